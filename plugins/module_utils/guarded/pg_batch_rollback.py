# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rollback of a migrated host with its batch: the options of pg_batch_rollback, and its order."""

from __future__ import annotations

from typing import Any

from .. import durations
from ..arguments import CONNECTION, GUARD, JOBS, supervision, target
from ..guard import launch
from ..jobs import restore as restore_job
from ..jobs import with_batch as job
from ..ports.module import serve
from ..restore import run as restore
from ..restore import sequences
from ..restore.with_batch import Limits

SPEC = {
    **CONNECTION,
    **GUARD,
    **JOBS,
    "state": {"type": "str", "choices": ["ready", "counted", "rolled_back"], "default": "rolled_back"},
    "backup_dir": {"type": "path", "default": ""},
    "within": {"type": "str", "default": "15m"},
    "max_rows_written": {"type": "int", "default": 0},
    "failed_hosts": {"type": "list", "elements": "str", "default": []},
    "sequences": {"type": "str", "choices": list(sequences.CHOICES)},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    run_journal = restore.run_of(asked)
    seconds = durations.read("within (pg_migrate_batch_rollback.within)", params["within"]).total_seconds()
    if params["state"] == "counted":
        return job.counted(asked.target, run_journal)
    limits = Limits(seconds, params["max_rows_written"])
    found = job.decided(asked, run_journal, limits, params["failed_hosts"])
    if check_mode or not found["rolls_back"] or run_journal is None:
        return found
    return {**found, "changed": False, "guard": launch.start("restore", asked, supervision(params), run_journal)}


def request(params: dict[str, Any]) -> restore.RestoreRequest:
    live = target(params)
    return restore.RestoreRequest(
        target=live,
        backup_dir=restore_job.directory(params["backup_dir"], None, live).resolve(),
        new_database=None,
        jobs=params["jobs"],
        sequences=params["sequences"] or "",
        waived={},
        free_bytes=None,
        by_link=False,
        most_rows=params["max_rows_written"],
    )


def main() -> None:
    serve(SPEC, run)
