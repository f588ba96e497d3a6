# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The migration as a job: the whole armed window, from a closed database to an open one."""

from __future__ import annotations

from dataclasses import asdict, replace

from ..console import migrate as console
from ..errors import PgsafeError
from ..journal.verdicts import Verdict
from ..migrate import run as migrate
from ..migrate.migration_set import SetSource
from ..migrate.pending import Accepted, File, Listing
from ..migrate.tool import ToolOptions
from ..migrate.verification.assertions import Assertion
from ..migrate.verification.expectations import Expectation
from ..migrate.verification.result import Wanted
from ..model import Administrator, Target
from ..promotion.permit import Permit, Proven
from ..promotion.record import Step
from . import awaiting

# What a request may contain.
TYPES = (
    Accepted,
    Administrator,
    Assertion,
    Expectation,
    File,
    Listing,
    migrate.MigrateRequest,
    Permit,
    Proven,
    SetSource,
    Step,
    Target,
    ToolOptions,
    Wanted,
)


def run(request: migrate.MigrateRequest) -> dict[str, object]:
    """
    :raises PgsafeError: the migration was refused, or failed and was rolled back.
    """
    outcome = migrate.run(replace(request, source=_waiting(request.source)))
    about = {"pending": True, "digest": request.source.preview().digest, "files": list(outcome.applied)}
    return {"changed": True, **about, **result(outcome), "console": console.migrate(outcome)}


def _waiting(source: SetSource) -> SetSource:
    """With the command that waits for the user's own tasks, which this process runs."""
    return replace(source, command=awaiting.command(source.word)) if source.word else source


def result(outcome: migrate.Outcome) -> dict[str, object]:
    return {
        "verdict": outcome.verdict.value,
        "applied": list(outcome.applied),
        "file_runs": [asdict(ran) for ran in outcome.file_runs],
        "sessions_ended": outcome.sessions_ended,
        "writes_since_backup": outcome.writes_since_backup,
        "seconds": outcome.seconds,
        "fence": outcome.fence,
        "seconds_read_only": outcome.seconds_read_only,
        "seconds_closed": outcome.seconds_closed,
        "seconds_migrating": outcome.seconds_migrating,
        "seconds_asking": outcome.seconds_asking,
        "predicted": asdict(outcome.predicted) if outcome.predicted else {},
        "warnings_given": list(outcome.warnings),
        "verification": outcome.verification.as_result() if outcome.verification else {},
        "versions": [asdict(change) for change in outcome.versions],
        "retained_copy": outcome.copy.name if outcome.copy else "",
        "retained_until": outcome.copy.until_told if outcome.copy else "",
        "rollback": asdict(outcome.rollback) if outcome.rollback else {},
    }


def failure(error: PgsafeError) -> dict[str, object]:
    """What a failed task returns beside its message."""
    if not isinstance(error, migrate.MigrationFailed):
        return error.facts()
    return {
        **error.facts(),
        **result(error.outcome),
        "changed": error.outcome.verdict is not Verdict.FAILED_UNCHANGED,
        "console": console.failure(error),
    }
