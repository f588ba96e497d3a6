# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long clients would wait behind each kind of fence; docs/availability.md says where the rates come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..compare.reading_modes import ASSUMED_BYTES_PER_SECOND
from ..fence.run import BOTH, CLOSED, CONNECT, NONE
from ..model import COPIED, FOLLOWED
from ..prediction import Prediction
from ..text import duration
from ..verify.proof_choice import VERIFIED_COPY
from .checks.check import ClosedCopy, Obstacle, Thresholds

ASSUMED = "assumed rates"

# From the fence to the window a play starts about ten modules and three guards. On an idle host that takes some ten
# seconds in all; 40 to 50 were seen on a busy one, and no sample of the data measures them.
_STARTS_SECONDS = 45.0

# As measured, with room to spare: ending sessions and the rename; the comparison of changed blocks; and how fast the
# rows of a closed database are counted where no comparison has counted them.
_CLOSING_SECONDS = 0.5
_COMPARING_SECONDS = 1.0
_COUNTED_BYTES_A_SECOND = 0.5e9

_LOSES = "a rollback loses what was written since the backup; set pg_migrate_fence yourself"
_BY_HAND = {
    CLOSED: _LOSES,
    CONNECT: "it keeps no superuser out; set pg_migrate_fence yourself",
    NONE: f"{_LOSES}, with a reason in pg_migrate_waive.fence",
}


@dataclass(frozen=True)
class Known:
    """What the predictions rest on.

    :param seconds: from the fence to the proof of a backup; None when nothing was measured.
    :param basis: of these seconds.
    :param proof: the requested place of the proof, ``auto``, or ``none``.
    :param beside: whether a copy that is kept would be proven beside the database.
    :param obstacles: what keeps a copy from following the database; None when that was not looked at.
    :param whole: whether that copy would be compared by reading all of it.
    """

    bytes: int
    seconds: float | None
    basis: str
    closed_copy: ClosedCopy
    proof: str
    beside: bool
    obstacles: Sequence[Obstacle] | None
    whole: bool
    jobs: int
    thresholds: Thresholds

    @property
    def counting(self) -> float:
        """Seconds to count the rows of the closed database."""
        return self.bytes / _COUNTED_BYTES_A_SECOND


def of_fences(known: Known) -> tuple[Prediction, ...]:
    """One for each kind of fence, first those that ``auto`` chooses from, in its order."""
    read_only = _read_only(known)
    return (
        _copied(known),
        Prediction(BOTH, *read_only),
        _followed(known),
        Prediction(CONNECT, *read_only, by_hand=_BY_HAND[CONNECT]),
        Prediction(CLOSED, _CLOSING_SECONDS, _CLOSING_SECONDS, _CLOSING_SECONDS, ASSUMED, by_hand=_BY_HAND[CLOSED]),
        Prediction(NONE, 0.0, 0.0, 0.0, by_hand=_BY_HAND[NONE]),
    )


def _read_only(known: Known) -> tuple[float | None, float | None, float, str]:
    if known.seconds is None:
        return None, None, _CLOSING_SECONDS, "no backup of this database was proven, and no data could be sampled"
    seconds = known.seconds + _CLOSING_SECONDS
    return seconds, seconds + _STARTS_SECONDS, _CLOSING_SECONDS, known.basis


def _copied(known: Known) -> Prediction:
    copy = known.closed_copy
    if copy.why_not:
        return Prediction(COPIED, why_not=f"its files cannot be copied: {copy.why_not}")
    seconds = copy.seconds + known.counting
    basis = f"files {'cloned' if copy.cloned else 'copied'}, {ASSUMED}"
    return Prediction(COPIED, seconds, seconds, seconds, basis, by_hand=_copied_by_hand(known))


def _copied_by_hand(known: Known) -> str:
    copy, most = known.closed_copy, known.thresholds.copying
    if known.proof == VERIFIED_COPY:
        return f"proof: {VERIFIED_COPY} was asked for"
    if copy.cloned or copy.seconds <= most:
        return ""
    return (
        f"could not confirm that its files can be cloned, and copying them would take {duration(copy.seconds)}, where "
        f"pg_migrate_thresholds.copying allows {duration(most)}"
    )


def _followed(known: Known) -> Prediction:
    if known.obstacles is None:
        asked = f"pg_migrate_fence: {FOLLOWED} or pg_migrate_thresholds.max_unavailable"
        return Prediction(FOLLOWED, why_not=f"whether a copy can follow was not checked, which requires {asked}")
    if lacking := "; ".join(_lacking(known, "error")):
        return Prediction(FOLLOWED, why_not=lacking)
    reading = known.bytes / ASSUMED_BYTES_PER_SECOND / max(1, known.jobs) if known.whole else 0.0
    writes = _CLOSING_SECONDS + _COMPARING_SECONDS + reading
    return Prediction(FOLLOWED, writes, writes, _CLOSING_SECONDS, ASSUMED, by_hand=_followed_by_hand(known, reading))


def _lacking(known: Known, severity: str) -> Iterator[str]:
    for obstacle in known.obstacles or ():
        if obstacle.severity == severity:
            yield f"{obstacle.what} ({obstacle.remedy.rstrip('.')})"
    if severity == "error" and not known.beside:
        yield "its backup would not be proven beside it (pg_migrate_level: restore, pg_migrate_proof: verified_copy)"


def _followed_by_hand(known: Known, reading: float) -> str:
    if reading > known.thresholds.copy_timeout:
        return "; ".join(_lacking(known, "warning"))
    if not known.thresholds.max_unavailable:
        return "it puts a publication, a slot and replica identities on the server, which only a limit justifies"
    return ""
