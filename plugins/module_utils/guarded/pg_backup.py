# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup by a guard: the options of pg_backup, and its order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..arguments import BACKUP_ROOT, CONNECTION, GRACE, GUARD, JOBS, backup_root, supervision, target
from ..audit.report import of_result
from ..backup.request import METHODS, BackupRequest
from ..guard import launch
from ..jobs import backup as job
from ..model import MODES
from ..ports.module import serve

SPEC = {
    **CONNECTION,
    **GRACE,
    **GUARD,
    **BACKUP_ROOT,
    **JOBS,
    "csv": {"type": "list", "elements": "str", "default": ["*"]},
    "volatile_tables": {"type": "list", "elements": "str", "default": []},
    "compress_method": {"type": "str", "choices": list(METHODS), "default": "gzip"},
    "compress_level": {"type": "int", "choices": list(range(1, 10)), "default": 1},
    "on_blocked_ddl": {"type": "str", "choices": ["warn", "abort"], "default": "warn"},
    "lock_timeout": {"type": "int", "default": 30},
    "run_id": {"type": "str", "default": ""},
    "fingerprint": {"type": "str", "choices": list(MODES), "default": "full"},
    "fingerprint_budget": {"type": "float", "default": 14400.0},
    "audit": {"type": "dict", "default": {}},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    if check_mode:
        return job.predicted(asked)
    run_journal = job.run_of(asked)
    order = replace(asked, run_id=run_journal.run_id)
    return {"changed": True, "guard": launch.start("backup", order, supervision(params), run_journal)}


def request(params: dict[str, Any]) -> BackupRequest:
    return BackupRequest(
        target=target(params),
        backup_root=backup_root(params),
        jobs=params["jobs"],
        compress_method=params["compress_method"],
        compress_level=params["compress_level"],
        csv=tuple(params["csv"]),
        volatile=tuple(params["volatile_tables"]),
        abort_on_blocked_ddl=params["on_blocked_ddl"] == "abort",
        lock_timeout=params["lock_timeout"],
        fingerprint=params["fingerprint"],
        fingerprint_budget=params["fingerprint_budget"],
        audit=of_result(params["audit"]) if params["audit"] else None,
        run_id=params["run_id"],
    )


def main() -> None:
    serve(SPEC, run)
