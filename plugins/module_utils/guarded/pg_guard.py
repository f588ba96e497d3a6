# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The window around tasks of the user's: the options of pg_guard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..arguments import (
    CONNECTION,
    GRACE,
    GUARD,
    PROMOTION,
    VERIFICATION,
    WINDOW,
    keep_copy_seconds,
    supervision,
    target,
)
from ..errors import PgsafeError
from ..guard import window
from ..journal import applied_files
from ..journal.verdicts import Verdict
from ..migrate import run as migrate
from ..migrate.migration_set import SetSource
from ..migrate.pending import Accepted
from ..migrate.tool import ToolOptions
from ..migrate.verification import result as verification
from ..ports.module import serve
from ..promotion import permit

SPEC = {
    **CONNECTION,
    **GRACE,
    **GUARD,
    **VERIFICATION,
    **WINDOW,
    "state": {"type": "str", "choices": ["armed", "disarmed", "rolled_back"], "default": "armed"},
    **PROMOTION,
    "tasks": {"type": "str", "required": True},
    "permit": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    if params["state"] == "armed":
        return window.arm(_window(params), request(params), check_mode)
    if check_mode:
        return {"changed": True, "verdict": Verdict.PENDING.value, "console": []}
    return window.done(_window(params)) if params["state"] == "disarmed" else window.undo(_window(params))


def _window(params: dict[str, Any]) -> window.Window:
    return window.Window(Path(params["backup_dir"]), params["run_id"], supervision(params))


def request(params: dict[str, Any]) -> migrate.MigrateRequest:
    """Of tasks, which take no other option of a migration: nothing limits their time."""
    of_run = ("run_id", "confirmed_database", "confirmed_by", "level", "on_verify_failure")
    same = (*of_run, "jobs", "sequences", "copy_timeout")
    return migrate.MigrateRequest(
        target=target(params),
        source=SetSource(tasks=params["tasks"]),
        backup_dir=Path(params["backup_dir"]),
        wanted=verification.wanted(params),
        promoted=permit.read(params["permit"]),
        keep_copy_seconds=keep_copy_seconds(params),
        lock_timeout=0,
        statement_timeout=0,
        time_limit=None,
        environment={},
        chdir=None,
        database_url=False,
        set_name=applied_files.DEFAULT_SET,
        accepted=Accepted(),
        tool_options=ToolOptions(),
        **{name: params[name] for name in same},
    )


def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    return window.failure(_window(params), error)


def main() -> None:
    serve(SPEC, run, failure)
