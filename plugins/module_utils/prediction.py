# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long clients are expected to wait behind a kind of fence, and how long they have waited, for people.

The migration itself, its verification and a rollback are in no prediction: nobody has measured them before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from .errors import BadRequest
from .model import COPIED, FOLLOWED, READ_ONLY_FENCES
from .text import duration

NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Prediction:
    """What a kind of fence is expected to cost, without the migration itself.

    :param without_writes: seconds; it contains the time without service. None when nothing was measured.
    :param without_writes_most: the same on a slow or busy host.
    :param without_service: seconds.
    :param basis: where the figures come from; empty where there are none.
    :param why_not: why this server, or these options, cannot do it; empty when they can.
    :param by_hand: why the fence ``auto`` does not choose it; empty when it may.
    """

    kind: str
    without_writes: float | None = None
    without_writes_most: float | None = None
    without_service: float | None = None
    basis: str = ""
    why_not: str = ""
    by_hand: str = ""

    @property
    def told(self) -> str:
        """Both figures and their basis."""
        basis = f" ({self.basis})" if self.basis else ""
        if self.without_service is not None and self.without_writes == self.without_service:
            return f"{self.writes_told} without writes and without service{basis}"
        return f"{self.writes_told} without writes, {about(self.without_service)} without service{basis}"

    @property
    def writes_told(self) -> str:
        return told_span(self.without_writes, self.without_writes_most)


@dataclass(frozen=True)
class Waited:
    """How long clients have waited, in seconds, from the first refused write until the database was open again.

    :param without_writes: with those without service.
    :param migrating: of both, the migration, its verification, and a rollback.
    :param asking: of those without writes, from the proof to the confirmation: copies elsewhere, the question, and
        waiting for other hosts.
    """

    without_writes: float
    without_service: float
    migrating: float
    asking: float = 0.0

    @property
    def foreseeable(self) -> tuple[float, float]:
        """Without writes, and without service, as far as that is predicted."""
        writes = self.without_writes - self.migrating - self.asking
        return max(0.0, writes), max(0.0, self.without_service - self.migrating)

    @property
    def unforeseen(self) -> str:
        """What no prediction contains."""
        asking = f", {duration(self.asking)} from the proof to the confirmation" if self.asking else ""
        return f"{duration(self.migrating)} for the migration, its verification and any rollback{asking}"


def about(seconds: float | None) -> str:
    if seconds is None:
        return NOT_KNOWN
    return f"about {duration(seconds)}" if seconds else "no time"


def told_span(least: float | None, most: float | None) -> str:
    if least is None or most is None or least == most:
        return about(least)
    return f"{duration(least)} to {duration(most)}"


def of_kind(found: Sequence[Prediction], kind: str) -> Prediction | None:
    return next((one for one in found if one.kind == kind), None)


def compared(predicted: Prediction | None, waited: Waited) -> list[tuple[str, str, str, str]]:
    """A row for each figure: what it is, as predicted, what that took, and what it took in all."""
    known, (writes, service) = predicted or Prediction(""), waited.foreseeable
    return [
        ("without writes", known.writes_told, duration(writes), duration(waited.without_writes)),
        ("without service", about(known.without_service), duration(service), duration(waited.without_service)),
    ]


# Those whose rollback loses no write; the others are for the exception, and not proposed.
_LOSSLESS = (COPIED, READ_ONLY_FENCES[0], FOLLOWED)


def in_lines(chosen: Prediction, found: Sequence[Prediction]) -> list[str]:
    """The chosen fence, and the others that are possible here."""
    possible = [one for one in found if one.kind in _LOSSLESS and one.kind != chosen.kind and not one.why_not]
    return [
        f"Predicted for {chosen.kind}, plus the migration: {chosen.told}",
        *[f"Instead, for {one.kind}: {one.told}" for one in possible],
    ]


def as_facts(found: Sequence[Prediction]) -> list[dict[str, object]]:
    return [asdict(one) for one in found]


def of_facts(given: Sequence[Mapping[str, Any]]) -> tuple[Prediction, ...]:
    """
    :raises BadRequest: these are no predictions.
    """
    known = {field.name for field in fields(Prediction)}
    if any("kind" not in one or not known.issuperset(one) for one in given):
        raise BadRequest(f"A prediction has a kind, and no more than {', '.join(sorted(known))}.")
    return tuple(Prediction(**one) for one in given)
