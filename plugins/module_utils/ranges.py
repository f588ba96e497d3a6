# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The range of each number that a user gives, so that none is refused by a statement behind the fence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from .errors import BadRequest


@dataclass(frozen=True)
class _Range:
    """:param open: whether the least number is outside."""

    least: float = 0
    most: float | None = None
    open: bool = False

    def has(self, value: float) -> bool:
        """Whether the number is inside; what is not a number is not."""
        above = value > self.least if self.open else value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.most is not None:
            return f"from {self.least:g} to {self.most:.0f}"
        return f"more than {self.least:g}" if self.open else f"{self.least:g} or more"


_ANY, _POSITIVE, _COUNT = _Range(), _Range(open=True), _Range(1)

# PostgreSQL counts them in milliseconds, in 32 bits: https://www.postgresql.org/docs/current/runtime-config-client.html
_TIMEOUT = _Range(0, (2**31 - 1) // 1000)

_RANGES: Mapping[str, _Range] = {
    "budget": _ANY,
    "confirm_timeout": _COUNT,
    "copy_timeout": _POSITIVE,
    "copying": _ANY,
    "disk_factor": _ANY,
    "fingerprint_budget": _ANY,
    "free_bytes": _ANY,
    "grace": _ANY,
    "idle_timeout": _ANY,
    "jobs": _COUNT,
    "lease": _ANY,
    "lock_timeout": _TIMEOUT,
    "login_port": _Range(1, 65535),
    "long_transaction": _ANY,
    "max_rows_written": _ANY,
    "max_unavailable": _ANY,
    "newest": _COUNT,
    "poll_interval": _POSITIVE,
    "rule_budget": _ANY,
    "shown": _ANY,
    "statement_timeout": _TIMEOUT,
    "time_limit": _ANY,
}


def problems(given: Mapping[str, object], prefix: str = "", other: Mapping[str, str] | None = None) -> Iterator[str]:
    """What is outside of its range, a sentence each.

    :param given: values by the name of their option; what is no number, or has no range, is passed over.
    :param prefix: of the names, for people.
    :param other: the name of the option by the one that is given.
    """
    for name, value in given.items():
        allowed = _RANGES.get((other or {}).get(name, name))
        number = _number(value)
        if allowed and number is not None and not allowed.has(number):
            yield f"{prefix}{name} is {value}; it must be {allowed}."


def _number(value: object) -> float | None:
    """A variable of a role may be a number as text; what is none, the specification refuses."""
    with suppress(ValueError):
        return float(value) if isinstance(value, (int, float, str)) else None
    return None


def require(found: Iterable[str]) -> None:
    """
    :raises BadRequest: there is a problem; the message has all of them.
    """
    told = " ".join(found)
    if told:
        raise BadRequest(told)
