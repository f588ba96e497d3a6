# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a database that was migrated is rolled back because another host of its batch failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from ..errors import Refused
from ..fence import verdict_counters
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.verdicts import Verdict
from ..model import Target
from ..text import duration


@dataclass(frozen=True)
class Limits:
    """:param seconds: how long the database may have served since its verdict.
    :param most_rows: how many rows clients may have written since.
    """

    seconds: float
    most_rows: int


@dataclass(frozen=True)
class Decision:
    """:param why_not: why the database stays migrated, a sentence; empty when it is rolled back.
    :param written: since the verdict, a line each.
    """

    verdict: Verdict
    why_not: str
    written: tuple[str, ...] = ()

    @property
    def rolls_back(self) -> bool:
        return not self.why_not


def decide(target: Target, run_journal: Journal | None, limits: Limits) -> Decision:
    """By reading alone.

    :raises Refused: the run has no journal, and so no verdict.
    """
    if run_journal is None:
        raise Refused("The run has no journal beside its backup, so its verdict is unknown.")
    verdict, accepted = run_journal.state.verdict, run_journal.last(Event.ACCEPTED)
    if verdict is not Verdict.MIGRATED or accepted is None:
        return Decision(verdict, f"its run did not end as migrated, but as {str(verdict).replace('_', ' ')}")
    found = verdict_counters.written_since(target, run_journal)
    written = found.lines if found else ()
    served = (datetime.now(timezone.utc) - accepted.moment).total_seconds()
    if why := _too_long(served, limits.seconds):
        return Decision(verdict, why, written)
    if found is None or found.exceeds(limits.most_rows):
        return Decision(verdict, f"it may lose no more than {limits.most_rows:,} rows (max_rows_written)", written)
    return Decision(verdict, "", written)


def _too_long(served: float, most: float) -> str:
    if served < 0:
        return "the clock was set back, so the time since its verdict is unknown"
    if served > most:
        return f"it has served for {duration(served)} since its verdict, longer than {duration(most)} (within)"
    return ""
