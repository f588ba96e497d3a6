# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The migration as a job: the whole armed window, from a closed database to an open one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import target
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import awaiting, console
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import wanted

Params = Mapping[str, Any]


def run(params: Params) -> dict[str, Any]:
    """
    :raises PgsafeError: the migration was refused, or failed and was rolled back.
    """
    migration = source(params)
    found = migration.preview()
    outcome = migrate.run(request(params, migration))
    about = {"pending": True, "digest": found.digest, "files": found.steps}
    return {"changed": True, **about, **result(outcome), "console": console.migrate(outcome)}


def source(params: Params) -> SetSource:
    """Where the migration set of a task comes from."""
    if params.get("tasks"):
        word = params.get("word")
        return SetSource(tasks=params["tasks"], command=awaiting.command(Path(word)) if word else ())
    return SetSource(
        source=Path(params["source"]) if params["source"] else None,
        bundle=Path(params["bundle"]) if params["bundle"] else None,
        files=tuple(params["files"]),
        digest=params["digest"],
        sums=params["sums"],
        command=tuple(params["command"] or ()),
        tree=Path(params["command_tree"]) if params["command_tree"] else None,
        environment={name: str(value) for name, value in params["environment"].items()},
        chdir=params["chdir"],
    )


def request(params: Params, source: SetSource) -> migrate.MigrateRequest:
    same = (
        "run_id",
        "confirmed_database",
        "confirmed_by",
        "level",
        "lock_timeout",
        "statement_timeout",
        "time_limit",
        "chdir",
        "database_url",
        "on_verify_failure",
        "jobs",
        "sequences",
    )
    return migrate.MigrateRequest(
        target=target(params),
        source=source,
        backup_dir=Path(params["backup_dir"]),
        environment=source.environment,
        wanted=wanted(params),
        apply_again=params.get("apply_again") or {},
        **{name: params[name] for name in same},
    )


def result(outcome: migrate.Outcome) -> dict[str, Any]:
    return {
        "verdict": outcome.verdict.value,
        "applied": list(outcome.applied),
        "sessions_ended": outcome.sessions_ended,
        "writes_since_backup": outcome.writes_since_backup,
        "seconds": outcome.seconds,
        "fence": outcome.fence,
        "seconds_read_only": outcome.seconds_read_only,
        "seconds_closed": outcome.seconds_closed,
        "warnings_given": list(outcome.warnings),
        "verification": outcome.verification or {},
        "rollback": asdict(outcome.rollback) if outcome.rollback else {},
    }


def failure(error: PgsafeError) -> dict[str, Any]:
    """What a failed task returns beside its message."""
    if not isinstance(error, migrate.MigrationFailed):
        return error.facts()
    return {
        **error.facts(),
        **result(error.outcome),
        "changed": error.outcome.verdict is not Verdict.FAILED_UNCHANGED,
        "console": console.failure(error),
    }
