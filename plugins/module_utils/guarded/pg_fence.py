# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Raise a fence and start its guard, or lift one: the options of pg_fence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import prediction
from ..arguments import BACKUP_ROOT, CONNECTION, JOBS, backup_root, defaults, target
from ..console import fence as console
from ..errors import PgsafeError
from ..fence import run as fence
from ..fence import standing
from ..guard import launch
from ..journal import journal
from ..journal.verdicts import Verdict
from ..ports.module import serve
from ..restore import request as restore_requests

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    "state": {"type": "str", "choices": ["fenced", "lifted"], "default": "fenced"},
    "run_id": {"type": "str"},
    "kind": {"type": "str", "choices": list(fence.KINDS), "default": fence.BOTH},
    "reason": {"type": "str", "default": ""},
    "idle_timeout": {"type": "float", "default": 1200.0},
    "lease": {"type": "float", "default": 30.0},
    "before": {"type": "list", "elements": "list", "default": []},
    "after": {"type": "list", "elements": "list", "default": []},
    "predictions": {"type": "list", "elements": "dict", "default": []},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    if params["state"] == "lifted":
        return _lift(params, check_mode)
    asked = request(params)
    if check_mode:
        sessions = fence.plan(asked)
        return _result("", sessions, [], console.fence_foreseen(asked, sessions))
    raised = fence.run(asked)
    guard = _watch(params, asked, raised.run_id)
    result = _result(raised.run_id, raised.sessions_ended, [], console.fence(asked, raised))
    return {**result, "run_logs": _logs(asked.backup_root, raised.run_id), "guard": guard}


def request(params: dict[str, Any]) -> fence.FenceRequest:
    return fence.FenceRequest(
        target=target(params),
        backup_root=backup_root(params),
        kind=params["kind"],
        reason=params["reason"],
        before=_commands(params["before"]),
        after=_commands(params["after"]),
        idle_timeout=params["idle_timeout"],
        lease=params["lease"],
        predictions=prediction.of_facts(params["predictions"]),
    )


def _watch(params: dict[str, Any], asked: fence.FenceRequest, run_id: str) -> dict[str, Any]:
    """What the controller needs to renew the lease.

    :raises PgsafeError: the watchdog could not be started, and the fence was lifted.
    """
    try:
        run_journal = journal.Journal(asked.backup_root / journal.RUNS / run_id)
        order = restore_requests.request_of(run_journal, asked.target, defaults(JOBS)["jobs"])
        return launch.watch(order, params["lease"], params["idle_timeout"], run_journal)
    except PgsafeError:
        fence.lift(asked.target, asked.backup_root, run_id)
        raise


def _lift(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    if check_mode:
        return _result(params["run_id"], 0, [], [])
    root, run_id = backup_root(params), params["run_id"]
    lifted = fence.lift(target(params), root, run_id)
    result = _result(run_id, 0, list(lifted.failures), console.lifted(lifted))
    return {**result, "changed": lifted.opened, "run_logs": _logs(root, run_id), **_standing(root, run_id)}


def _standing(root: Path, run_id: str) -> dict[str, Any]:
    found = journal.of_run(root, run_id) if run_id else None
    return {**standing.facts(found)} if found else {}


def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    """What a failed task returns beside its message: the run that it left fenced, and how that stands."""
    run_id = params["run_id"] or error.run_id
    if not run_id:
        return {**error.facts(), "verdict": Verdict.REFUSED.value}
    return {**error.facts(), "run_id": run_id, **_standing(Path(params["backup_root"]), run_id)}


def _logs(root: Path, run_id: str) -> list[journal.RunLog]:
    return [journal.Journal(root / journal.RUNS / run_id).logged()]


def _commands(given: list[list[Any]]) -> list[list[str]]:
    return [[str(word) for word in argv] for argv in given]


def _result(run_id: str, sessions_ended: int, failures: list[str], lines: list[str]) -> dict[str, Any]:
    return {
        "changed": True,
        "run_id": run_id,
        "sessions_ended": sessions_ended,
        "failures": failures,
        "run_logs": [],
        "console": lines,
    }


def main() -> None:
    serve(SPEC, run, failure, required_if=[["state", "lifted", ["run_id"]]])
