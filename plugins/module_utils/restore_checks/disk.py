# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for the old database and the new one at once, and for the write-ahead log of the restore."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.report import size
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks.check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    disk, stated, needed = facts.data_filesystem, facts.intent.stated_free_bytes, facts.bytes_needed
    free = disk.free_bytes if disk.free_bytes is not None else stated
    if free is None:
        yield _problem(
            f"The free space of {disk.path} cannot be seen from here; old and new are there at once, which takes "
            f"{size(needed)}.",
            "Look on the server (df -h) and state what is free, or waive this check.",
        )
    elif free < needed:
        yield _problem(f"{disk.path} has {size(free)} free; the copy takes {size(needed)}.", f"df -h {disk.path}")
    yield from _of_wal(facts)


def _of_wal(facts: Facts) -> Iterator[Problem]:
    disk, kept = facts.wal.filesystem, facts.wal.kept_of(facts.wal_bytes)
    if disk.device == facts.data_filesystem.device or disk.free_bytes is None or disk.free_bytes >= kept:
        return
    yield _problem(
        f"{disk.path} has {size(disk.free_bytes)} free; up to {size(kept)} of the write-ahead log will be there.",
        "See who holds it back: SELECT slot_name, active, wal_status FROM pg_replication_slots",
    )


def _problem(what: str, remedy: str) -> Problem:
    return Problem("disk", "error", what, remedy)
