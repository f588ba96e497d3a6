# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room on the disk of the backup for the backup that is expected, and for anything that is restored on that disk."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import size
from .check import Facts

_BASES = {
    "last_backup": "estimated from the last backup",
    "sample": "estimated from a sample of the data",
    "table_sizes": "estimated from the table sizes, since no sample could be read",
}


def check(facts: Facts) -> Iterator[Problem]:
    yield from _temporary_instance(facts)
    disk = facts.backup_filesystem
    backup = int(facts.backup_size.bytes * facts.thresholds.disk_factor)
    needed = backup + _copies(facts)
    if disk.free_bytes is None or disk.free_bytes >= needed:
        return
    beside = f", and {size(needed - backup)} for the restored copy on the same disk" if needed > backup else ""
    yield Problem(
        "backup_disk",
        "error",
        f"{disk.path} has {size(disk.free_bytes)} free; a backup in three formats is expected to need {size(backup)} "
        f"({_BASES[facts.backup_size.basis]}){beside}.",
        f"Free space (df -h {disk.path}), choose another backup_root, or lower disk_factor.",
    )


def _temporary_instance(facts: Facts) -> Iterator[Problem]:
    """On a disk of its own; on that of the backups its room is counted with theirs."""
    place = facts.proof_filesystem
    if place is None or place.device == facts.backup_filesystem.device or place.free_bytes is None:
        return
    if place.free_bytes < facts.wanted.bytes:
        yield Problem(
            "backup_disk",
            "error",
            f"{place.path} has {size(place.free_bytes)} free; the temporary instance of the proof needs "
            f"{size(facts.wanted.bytes)}.",
            "Name a directory with more room in pg_migrate_instance.directory.",
        )


def _copies(facts: Facts) -> int:
    """The proof in a temporary instance, or the copy beside the live database; never both at once."""
    proof, device = facts.proof_filesystem, facts.backup_filesystem.device
    if device is None:
        return 0
    if proof is not None and proof.device == device:
        return facts.wanted.bytes
    return facts.bytes_needed if facts.data_filesystem.device == device else 0
