# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for a restored copy beside the live database, and for its write-ahead log where that is on the same disk."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import size
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    disk, needed = facts.data_filesystem, facts.bytes_needed
    free = disk.free_bytes if disk.free_bytes is not None else facts.stated_free_bytes
    if free is not None and free < needed:
        yield Problem(
            "data_disk",
            "error",
            f"{disk.path} has {size(free)} free; a restored copy beside the live database takes {size(needed)}.",
            f"Free space on the server: df -h {disk.path}",
        )
