# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rollback or a restore by a guard: the options of pg_restore_safe, and its order."""

from __future__ import annotations

from typing import Any

from ..arguments import BACKUP_DIR, CONNECTION, GUARD, JOBS, supervision, target
from ..guard import launch
from ..jobs import restore as job
from ..ports.module import serve
from ..preflight import waivers
from ..restore import run as restore
from ..restore import sequences

SPEC = {
    **CONNECTION,
    **GUARD,
    **BACKUP_DIR,
    **JOBS,
    "backup_root": {"type": "path"},
    "new_database": {"type": "str"},
    "sequences": {"type": "str", "choices": list(sequences.CHOICES)},
    "waive": {"type": "dict", "default": {}},
    "free_bytes": {"type": "int"},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    if check_mode:
        return job.predicted(asked)
    run_journal = job.run_of(asked)
    if run_journal is None:
        return job.run(asked)
    return {"changed": False, "guard": launch.start("restore", asked, supervision(params), run_journal)}


def request(params: dict[str, Any]) -> restore.RestoreRequest:
    live = target(params, required=False)
    backup_dir = job.directory(params["backup_dir"], params["backup_root"], live)
    return restore.RestoreRequest(
        target=live,
        backup_dir=backup_dir.resolve(),
        new_database=params["new_database"],
        jobs=params["jobs"],
        sequences=params["sequences"] or "",
        waived=waivers.read(params["waive"]),
        free_bytes=params["free_bytes"],
        by_link=backup_dir.is_symlink(),
        most_rows=None,
    )


def main() -> None:
    serve(SPEC, run)
