# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind of fence: the first that keeps within what is allowed; and how the files of a closed database are copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model import Filesystem
from ..ports import files
from ..prediction import Prediction
from ..text import duration, size
from .checks.check import ClosedCopy, ServerFacts

AUTO = "auto"
AS_ASKED = "as it was asked for"

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


def choose(asked: str, predictions: Sequence[Prediction], most: float) -> Choice:
    """The first kind that is predicted to keep within the limit; where none is, the first that may.

    :param asked: a kind of fence, or :data:`AUTO`.
    :param predictions: in the order in which a kind is chosen.
    :param most: seconds without writes; 0 for no limit.
    """
    if asked != AUTO:
        return Choice(asked, AS_ASKED)
    allowed = [one for one in predictions if not (one.why_not or one.by_hand)]
    within = [one for one in allowed if not most or (one.without_writes is not None and one.without_writes <= most)]
    unknown = [one for one in allowed if one.without_writes is None]
    chosen = [*within, *unknown, *allowed][0]
    passed_over = predictions[: predictions.index(chosen)]
    return Choice(chosen.kind, "; ".join([_passed_over(one, most) for one in passed_over]) or f"{chosen.told}")


def _passed_over(one: Prediction, most: float) -> str:
    beyond = f"{one.writes_told} without writes, where {duration(most)} are allowed"
    return f"not {one.kind}: {one.why_not or one.by_hand or beyond}"
