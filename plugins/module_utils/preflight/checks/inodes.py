# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file for each table on the disk of the backup, and several for each on the disk of a restored copy."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...model import Filesystem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    yield from _on(facts.backup_filesystem, facts.backup_size.files, "a backup")
    if facts.restores:
        yield from _on(facts.data_filesystem, facts.relations, "a restored copy")


def _on(disk: Filesystem, needed: int, what: str) -> Iterator[Problem]:
    if disk.free_inodes is not None and disk.free_inodes < needed:
        yield Problem(
            "inodes",
            "error",
            f"{disk.path} has room for {disk.free_inodes:,} more files; {what} has about {needed:,}.",
            f"Remove small files there (see: df -i {disk.path}).",
        )
