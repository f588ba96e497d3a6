# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups are removed, which are kept, and why: the first rule that has a reason to keep one keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import BadRequest
from ..journal.verdicts import Verdict
from .stored import Condition, StoredBackup, is_one_server

# Two clocks may differ by as much.
_MOST_DAYS = 36500
_CLOCK_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True)
class Policy:
    """:param keep_days: a backup is not removed before it is older.
    :param keep_min: newer backups of the same database that must be proven, so many at least.
    """

    keep_days: float
    keep_min: int

    def require_sound(self) -> None:
        """
        :raises BadRequest: it would remove the last good backup, or makes no sense.
        """
        if self.keep_min < 1:
            raise BadRequest(
                f"keep_min is {self.keep_min}: the last proven backup would be removed.", remedy="Set it to 1 or more."
            )
        if not 0 <= self.keep_days <= _MOST_DAYS:
            raise BadRequest(f"keep_days is {self.keep_days:g}.", remedy=f"Set it to 0 to {_MOST_DAYS}.")


@dataclass(frozen=True)
class Decision:
    """:param reason: why it is removed, or why it is kept."""

    backup: StoredBackup
    removed: bool
    reason: str


@dataclass(frozen=True)
class _Case:
    """:param newer: the later backups of the same database of the same server, none of them in the future."""

    backup: StoredBackup
    newer: Sequence[StoredBackup]
    policy: Policy
    now: datetime

    @property
    def age(self) -> timedelta:
        return self.now - self.backup.created

    @property
    def proven_after(self) -> int:
        return sum(other.proven for other in self.newer)


def decide(backups: Iterable[StoredBackup], policy: Policy, now: datetime) -> tuple[Decision, ...]:
    """A decision for each backup, in their order."""
    every = tuple(backups)
    return tuple(_decided(_Case(backup, _newer(backup, every, now), policy, now)) for backup in every)


def _newer(backup: StoredBackup, every: Sequence[StoredBackup], now: datetime) -> tuple[StoredBackup, ...]:
    return tuple(
        other
        for other in every
        if other.directory.parent == backup.directory.parent
        and is_one_server(other.server, backup.server)
        and (backup.created, backup.run_id) < (other.created, other.run_id)
        and other.created <= now + _CLOCK_TOLERANCE
    )


def _decided(case: _Case) -> Decision:
    if case.backup.condition is Condition.PARTLY_REMOVED and not case.backup.pinned:
        return Decision(case.backup, removed=True, reason="an interrupted removal has left the rest of it")
    for rule in _RULES:
        reason = rule(case)
        if reason:
            return Decision(case.backup, removed=False, reason=reason)
    reason = f"{days(case.age)} old; newer proven backups: {case.proven_after}"
    return Decision(case.backup, removed=True, reason=reason)


def _pinned(case: _Case) -> str:
    return f"pinned: {case.backup.pinned}" if case.backup.pinned else ""


_CONDITIONS = {
    Condition.IN_USE: "in use",
    Condition.UNFINISHED: "unfinished; the next run removes it if its own run is dead",
    Condition.FOREIGN: "no run of this backup root took it",
}


def _not_complete(case: _Case) -> str:
    if case.backup.condition is Condition.UNREADABLE:
        return f"unreadable: {case.backup.problem}"
    return _CONDITIONS.get(case.backup.condition, "")


def _run_not_ended(case: _Case) -> str:
    verdict = Verdict(case.backup.verdict) if case.backup.verdict else None
    if case.backup.run_ended and verdict is not Verdict.UNKNOWN:
        return ""
    return f"its run has not ended{f' ({verdict})' if verdict else ''}"


def _migration_failed(case: _Case) -> str:
    """Until a later migration of the database succeeds, its failure may have to be looked into."""
    succeeded = any(other.verdict == Verdict.MIGRATED.value for other in case.newer)
    if not case.backup.failed or succeeded:
        return ""
    return "its migration failed, and none has succeeded since"


def _in_the_future(case: _Case) -> str:
    ahead = case.age < -_CLOCK_TOLERANCE
    return f"dated in the future ({case.backup.created:%Y-%m-%d %H:%M} UTC): check the clock" if ahead else ""


def _young(case: _Case) -> str:
    old = case.age > timedelta(days=case.policy.keep_days)
    return "" if old else f"{days(case.age)} old, kept for {days(timedelta(days=case.policy.keep_days))}"


def _latest(case: _Case) -> str:
    return "the link latest points at it" if case.backup.latest else ""


def _needed(case: _Case) -> str:
    found, least = case.proven_after, case.policy.keep_min
    return "" if found >= least else f"newer proven backups: {found} of {least}"


_RULES: Sequence[Callable[[_Case], str]] = (
    _pinned,
    _not_complete,
    _run_not_ended,
    _migration_failed,
    _in_the_future,
    _young,
    _latest,
    _needed,
)


def days(age: timedelta) -> str:
    """``7 days``, ``1 day``, ``0.5 days``: with a tenth below ten days."""
    number = age.total_seconds() / 86400
    text = f"{number:.0f}" if number >= 10 else f"{round(number, 1):g}"
    return f"{text} {'day' if text == '1' else 'days'}"
