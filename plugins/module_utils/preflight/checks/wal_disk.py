# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for the write-ahead log of a restore, where pg_wal is on a disk of its own."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import size
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    disk, kept = facts.wal.filesystem, facts.wal.kept_of(facts.wal_bytes)
    if disk.device == facts.data_filesystem.device or disk.free_bytes is None or disk.free_bytes >= kept:
        return
    yield Problem(
        "wal_disk",
        "error",
        f"{disk.path} has {size(disk.free_bytes)} free; up to {size(kept)} of the write-ahead log will be there.",
        "See who holds it back: SELECT slot_name, active, wal_status FROM pg_replication_slots",
    )
