# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration, and how it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import prediction
from ..foreign_text import lines as foreign_lines
from ..foreign_text import visible
from ..journal.verdicts import Verdict
from ..text import CROSS, TICK, duration
from .restore import restored
from .verification import warned

if TYPE_CHECKING:
    from ..migrate.run import MigrationFailed, Outcome


def migrate(outcome: Outcome) -> list[str]:
    lines = [f"{TICK} Other sessions terminated: {outcome.sessions_ended}"]
    lines += [f"{TICK} Applied: {name}" for name in outcome.applied]
    lines += [f"{TICK} Version: {visible(change.told)}" for change in outcome.versions if change.after is not None]
    lines += warned(outcome.verification.found) if outcome.verification else []
    lines.append(f"{TICK} Migration verified and complete in {duration(outcome.seconds)}")
    if outcome.copy:
        until = f"until {outcome.copy.until_told}, for an instant rollback by pgsafe.migration.rollback"
        lines.append(f"{TICK} The verified copy {visible(outcome.copy.name)} is retained, closed, {until}")
    return lines + _times(outcome)


def _times(outcome: Outcome) -> list[str]:
    """How long others could not write, and how long they were not served at all."""
    closed = f"{duration(outcome.seconds_closed)} without service"
    read_only = f"{duration(outcome.seconds_read_only)} without writes, " if outcome.seconds_read_only else ""
    lines = [f"{TICK} Fence {outcome.fence}: {read_only}{closed}"] if outcome.fence != "none" else []
    return lines + _as_predicted(outcome) + [f"[warning] {warning}" for warning in outcome.warnings]


def _as_predicted(outcome: Outcome) -> list[str]:
    """What was predicted, and what it took without the migration."""
    if outcome.waited is None or outcome.predicted is None:
        return []
    rows = prediction.compared(outcome.predicted, outcome.waited)
    told = ", ".join(f"{before} {what} (predicted {foreseen})" for what, foreseen, before, _in_all in rows)
    return [f"[info] Predicted part: {told}", f"[info] Not predicted: {outcome.waited.unforeseen}"]


def failure(error: MigrationFailed) -> list[str]:
    """What an operator needs to know, in this order: what failed, what was done, what is left."""
    outcome = error.outcome
    lines = [f"{TICK} Applied: {name}" for name in outcome.applied]
    failed = f"[ERROR] Migration failed at {error.at}!"
    if outcome.verdict is Verdict.HELD:
        return [*lines, f"{failed} The database stays closed.", *_said(error), error.state]
    lines += [f"{failed} Initiating rollback...", *_said(error)]
    if outcome.rollback is None:
        return [*lines, f"{CROSS} ROLLBACK FAILED", *[f"        {problem}" for problem in error.undo_problems]]
    return lines + restored(outcome.rollback) + _times(outcome)


def _said(error: MigrationFailed) -> list[str]:
    return [f"        {line}" for line in foreign_lines(error.what)]
