# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recovery as a job: of all unfinished runs, or of one run by its name."""

from __future__ import annotations

from pathlib import Path

from ..console import recover as console
from ..errors import PgsafeError
from ..fence import standing
from ..journal.journal import Journal, of_run
from ..model import Administrator, Target
from ..restore import recover
from ..restore.recover import Recovered
from ..restore.request import Decision, RecoverRequest

# What a request may contain.
TYPES = (Administrator, Decision, RecoverRequest, Target)

# Of the module: break off what the run's guard does, then finish the run.
ABORT = "abort"
DECISIONS = (Decision.FINISH.value, ABORT, Decision.ACCEPT.value, Decision.MARK_RESOLVED.value)


def run(request: RecoverRequest) -> dict[str, object]:
    """
    :raises PgsafeError: a run could not be finished or undone.
    """
    return {**_result(recover.run(request), foreseen=False), **_standing(request.backup_root, request.run_id)}


def predicted(request: RecoverRequest) -> dict[str, object]:
    """What would be done, by reading alone.

    :raises PgsafeError: another run is at work, or waits for a person's decision.
    """
    return {**_result(recover.plan(request), foreseen=True), **_standing(request.backup_root, request.run_id)}


def failure(error: PgsafeError) -> dict[str, object]:
    """What a failed task returns beside its message."""
    return error.facts()


def failure_of(backup_root: Path, run_id: str, error: PgsafeError) -> dict[str, object]:
    """What a failed task returns beside its message: how the run stands that was named."""
    return {**error.facts(), **_standing(backup_root, run_id)}


def named(backup_root: Path, run_id: str) -> Journal | None:
    """The run that the task names, where it has a journal."""
    return of_run(backup_root, run_id) if run_id else None


def _standing(backup_root: Path, run_id: str) -> dict[str, object]:
    try:
        run_journal = named(backup_root, run_id)
    except PgsafeError:
        return {}
    return {**standing.facts(run_journal)} if run_journal else {}


def _result(found: Recovered, foreseen: bool) -> dict[str, object]:
    return {
        "changed": bool(found.done),
        "msg": ". ".join(found.done),
        "done": list(found.done),
        "kept": found.kept,
        "run_logs": [of.logged() for of in found.runs],
        "warnings_given": list(found.warnings),
        "console": console.recover(found, foreseen),
    }
