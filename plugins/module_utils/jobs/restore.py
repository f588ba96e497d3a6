# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The restore as a job: a rollback by hand, or a copy of a backup in a database of its own."""

from __future__ import annotations

import os
from pathlib import Path

from ..console import restore as console
from ..errors import BadRequest, PgsafeError
from ..journal.journal import Journal
from ..journal.verdicts import RestoreState, Verdict
from ..model import Administrator, Target
from ..restore import history, rollback
from ..restore import run as restore

# What a request may contain.
TYPES = (Administrator, restore.RestoreRequest, Target)


def run(request: restore.RestoreRequest) -> dict[str, object]:
    """
    :raises PgsafeError: it could not be done, or was broken off; the live database is as it was before the call.
    """
    done = restore.run(request)
    return _result(done, done.state is not RestoreState.NOT_NEEDED, console.restore(done))


def failure(error: PgsafeError) -> dict[str, object]:
    """What a failed task returns beside its message."""
    return error.facts()


def predicted(request: restore.RestoreRequest) -> dict[str, object]:
    """What would be done, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    plan = restore.plan(request)
    foreseen = rollback.Restored(plan.state, plan.database, "", plan.kept, (), plan.sessions, {}, 0.0)
    changed = plan.state is not RestoreState.NOT_NEEDED
    result = _result(foreseen, changed, console.restore_foreseen(plan))
    seconds = plan.forecast.seconds if plan.forecast else None
    seconds = 0.0 if plan.copy else seconds
    return {
        **result,
        "verdict": (Verdict.PENDING if changed else Verdict.AS_BACKUP).value,
        "backup_dir": str(request.backup_dir),
        "bytes": plan.backup_bytes,
        "expected_seconds": seconds,
        "undoes": console.undone(plan.undone),
        "verified_copy": plan.copy,
        "written_since": [*plan.written, *plan.no_copy],
        "not_given_back": list(plan.not_given_back),
    }


def directory(named: str, backup_root: str | None, target: Target) -> Path:
    """The directory that :data:`history.BEFORE_LAST_MIGRATION` stands for, or that is named.

    :raises PgsafeError: there is none, or the backup root is not named.
    """
    if not named:
        raise BadRequest("No backup is named.", remedy="Give backup_dir.")
    if named != history.BEFORE_LAST_MIGRATION:
        return Path(named)
    if not backup_root:
        raise BadRequest(
            f"{history.BEFORE_LAST_MIGRATION} is looked for among the runs of a backup root, and none is named.",
            remedy="Give backup_root (pg_migrate_backup_root).",
        )
    return history.backup_before_last(Path(backup_root), target)


def run_of(request: restore.RestoreRequest) -> Journal | None:
    """The run that the backup is of; None for one that has none beside it, or none that we may write to.

    :raises PgsafeError: it could not be begun.
    """
    found = restore.run_of(request)
    return found if found and os.access(found.directory, os.W_OK) else None


_VERDICTS = {
    RestoreState.ROLLED_BACK: Verdict.ROLLED_BACK,
    RestoreState.NOT_NEEDED: Verdict.AS_BACKUP,
    RestoreState.RESTORED: Verdict.RESTORED,
}


def _result(done: rollback.Restored, changed: bool, lines: list[str]) -> dict[str, object]:
    return {
        "changed": changed,
        "state": done.state.value,
        "database": done.database,
        "method": done.method,
        "verdict": _VERDICTS[done.state].value,
        "kept": done.kept,
        "failures": list(done.failures),
        "rows": done.rows,
        "seconds": done.seconds,
        "cutover_seconds": done.cutover_seconds,
        "not_given_back": list(done.not_given_back),
        "warnings_given": list(done.warnings),
        "console": lines,
    }
