# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The migration by a guard: the options of pg_migration_apply, and its order."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..arguments import (
    CONNECTION,
    GRACE,
    GUARD,
    MIGRATION_SET,
    PROMOTION,
    VERIFICATION,
    WINDOW,
    keep_copy_seconds,
    supervision,
    target,
)
from ..console import plan as console
from ..errors import PgsafeError
from ..guard import launch
from ..journal.verdicts import Verdict
from ..migrate import pending, tool
from ..migrate import run as migrate
from ..migrate.migration_set import SetSource
from ..migrate.pending import Accepted
from ..migrate.verification.result import wanted
from ..ports.module import serve
from ..postgres import tool_histories
from ..promotion import permit

SPEC = {
    **CONNECTION,
    **GRACE,
    **GUARD,
    **VERIFICATION,
    **WINDOW,
    **MIGRATION_SET,
    **PROMOTION,
    "version_query": {"type": "str"},
    "bundle": {"type": "path"},
    "permit": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    plan = migrate.plan(asked)
    versions = [asdict(change) for change in tool_histories.changes(plan.versions, None)]
    foreseen = {"pending": plan.pending, "digest": plan.digest, "files": plan.files, "baseline": plan.baseline}
    foreseen.update(version=plan.version, versions=versions, newest=plan.newest)
    if check_mode or not plan.pending:
        verdict = (Verdict.PENDING if plan.pending else Verdict.UNCHANGED).value
        return {"changed": plan.pending, "verdict": verdict, **foreseen, "console": console.plan(plan)}
    run_journal = migrate.permitted(asked)
    # What was looked at is what runs, though the directory should change meanwhile.
    files = () if asked.source.command else tuple(plan.steps)
    order = replace(asked, source=replace(asked.source, files=files))
    return {"changed": True, **foreseen, "guard": launch.start("migrate", order, supervision(params), run_journal)}


def request(params: dict[str, Any]) -> migrate.MigrateRequest:
    source = _source(params)
    of_run = ("run_id", "confirmed_database", "confirmed_by", "level", "on_verify_failure")
    same = (*of_run, "jobs", "sequences", "copy_timeout")
    of_sets = ("lock_timeout", "statement_timeout", "time_limit", "chdir", "database_url", "set_name")
    return migrate.MigrateRequest(
        target=target(params),
        source=source,
        tool_options=tool.options(
            params["version_query"] or "",
            params["pending_command"],
            params["pending_text"] or "",
            not params["pending_preset"],
        ),
        backup_dir=Path(params["backup_dir"]),
        environment=source.environment,
        wanted=wanted(params),
        promoted=permit.read(params["permit"]),
        keep_copy_seconds=keep_copy_seconds(params),
        accepted=Accepted(
            params["changed_files"], params["apply_again"], params["out_of_order"], params["baseline"] or ""
        ),
        **{name: params[name] for name in (*same, *of_sets)},
    )


def _source(params: dict[str, Any]) -> SetSource:
    return SetSource(
        source=Path(params["source"]) if params["source"] else None,
        bundle=Path(params["bundle"]) if params["bundle"] else None,
        files=tuple(params["files"]),
        digest=params["digest"],
        listing=pending.read(params["listing"]),
        command=tuple(params["command"] or ()),
        tree=Path(params["command_tree"]) if params["command_tree"] else None,
        environment={name: str(value) for name, value in params["environment"].items()},
        chdir=params["chdir"],
    )


def failure(_params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    """What a failed task returns beside its message: no guard was started."""
    return {"verdict": Verdict.REFUSED.value, **error.facts()}


def main() -> None:
    serve(SPEC, run, failure, mutually_exclusive=[["source", "command"]], required_one_of=[["source", "command"]])
