# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind of fence: the backup of an open database and a copy of its files, where that copy is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..fence.run import BOTH
from ..model import COPIED, Filesystem
from ..ports import files
from ..text import duration, size
from ..verify.proof_choice import VERIFIED_COPY
from .checks.check import ClosedCopy, ServerFacts

AUTO = "auto"

# The first release with the setting file_copy_method.
_SINCE_CLONE = 180000

# As measured, with room to spare: two checkpoints and the renames; a file that is cloned; a byte that is copied.
_ALWAYS_SECONDS = 1.0
_FILE_SECONDS = 0.001
_BYTES_A_SECOND = 60e6


@dataclass(frozen=True)
class Choice:
    """:param reason: a sentence for people."""

    kind: str
    reason: str


def look(facts: ServerFacts, relations: int, *, in_one_place: bool) -> ClosedCopy:
    """How the files of the closed database would be copied.

    :param relations: how many files the database has, roughly.
    :param in_one_place: they are all in the tablespace of the database, whose filesystem is looked at.
    """
    role, disk, needed = facts.role, facts.data_filesystem, facts.wanted.bytes
    if not (role.superuser or (role.createdb and role.owns_database)):
        return ClosedCopy(why_not=f"{role.name} is neither a superuser nor the owner with CREATEDB")
    if facts.server_version >= _SINCE_CLONE and in_one_place and _clones(disk):
        return ClosedCopy(cloned=True, seconds=_ALWAYS_SECONDS + _FILE_SECONDS * relations)
    if disk.free_bytes is not None and disk.free_bytes < needed:
        return ClosedCopy(why_not=f"{disk.path} has {size(disk.free_bytes)} free, and the files take {size(needed)}")
    return ClosedCopy(seconds=_ALWAYS_SECONDS + needed / _BYTES_A_SECOND)


def _clones(disk: Filesystem) -> bool:
    """Whether the filesystem is seen to share blocks between files."""
    return bool(disk.device is not None and files.can_clone(Path(disk.path)))


def choose(asked: str, proof: str, copy: ClosedCopy, most_seconds: float) -> Choice:
    """
    :param asked: a kind of fence, or :data:`AUTO`.
    :param proof: the requested place of the proof, or ``auto``.
    :param most_seconds: that copying the files may take where they cannot be cloned.
    """
    if asked != AUTO:
        return Choice(asked, "as it was asked for")
    if proof == VERIFIED_COPY:
        return Choice(BOTH, f"proof: {VERIFIED_COPY} was asked for")
    if copy.why_not:
        return Choice(BOTH, f"its files cannot be copied: {copy.why_not}")
    if copy.cloned:
        return Choice(COPIED, f"its files can be cloned in about {duration(copy.seconds)}")
    if copy.seconds <= most_seconds:
        return Choice(COPIED, f"its files can be copied in about {duration(copy.seconds)}")
    return Choice(BOTH, f"its files cannot be seen to be cloned, and copying them would take {duration(copy.seconds)}")
