# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finish or undo the runs that nobody holds any more: the options of pg_recover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..arguments import BACKUP_ROOT, CONNECTION, GUARD, JOBS, backup_root, supervision, target
from ..errors import PgsafeError
from ..guard import abort
from ..jobs import recover as job
from ..ports.module import serve
from ..restore.request import Decision, RecoverRequest

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    **GUARD,
    **JOBS,
    "run_id": {"type": "str", "default": ""},
    "decision": {"type": "str", "choices": list(job.DECISIONS), "default": "finish"},
    "reason": {"type": "str", "default": ""},
    "after_failover": {"type": "bool", "default": False},
    "idle_timeout": {"type": "int", "default": 1200},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    if check_mode:
        return job.predicted(asked)
    aborts = params["decision"] == job.ABORT
    guard = abort.ask(job.named(asked.backup_root, asked.run_id), asked.reason, supervision(params)) if aborts else {}
    return guard or job.run(asked)


def request(params: dict[str, Any]) -> RecoverRequest:
    decision = Decision.FINISH if params["decision"] == job.ABORT else Decision(params["decision"])
    return RecoverRequest(
        target=target(params),
        backup_root=backup_root(params),
        jobs=params["jobs"],
        run_id=params["run_id"],
        idle_timeout=params["idle_timeout"],
        decision=decision,
        reason=params["reason"],
        after_failover=params["after_failover"],
    )


def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    return job.failure_of(Path(params["backup_root"]), params["run_id"], error)


def main() -> None:
    serve(SPEC, run, failure, required_if=[["decision", decision, ["run_id"]] for decision in job.DECISIONS[1:]])
