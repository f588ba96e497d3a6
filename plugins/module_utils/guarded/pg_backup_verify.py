# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup, by a guard where it belongs to a run: the options of pg_backup_verify, and its order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arguments import CONNECTION, GRACE, GUARD, JOBS, LEVEL, STORE, store_address, supervision, target
from ..backup.store_verify import StoreVerifyRequest
from ..guard import launch
from ..jobs import verify as job
from ..ports.module import serve
from ..verify import run as verify
from ..verify.instance import Options
from ..verify.lone_archive import ArchiveRequest

EITHER = [["backup_dir", "archive"]]
SPEC = {
    **CONNECTION,
    **GRACE,
    **GUARD,
    **LEVEL,
    **JOBS,
    **STORE,
    "backup_dir": {"type": "path"},
    "archive": {"type": "path"},
    "proof": {"type": "str", "choices": [*verify.PROOFS, verify.AUTO], "default": "scratch"},
    "instance_directory": {"type": "path"},
    "instance_user": {"type": "str"},
    "trusted": {"type": "bool", "default": False},
    "fail": {"type": "bool", "default": True},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    run_journal = None if check_mode else job.run_of(asked)
    if run_journal is None or not isinstance(asked, verify.VerifyRequest):
        return job.predicted(asked) if check_mode else job.run(asked)
    return {"changed": False, "guard": launch.start("verify", asked, supervision(params), run_journal)}


def request(params: dict[str, Any]) -> job.Request:
    if params["store"]:
        url, address = (params["backup_dir"] or "").rstrip("/"), store_address(params["store"])
        return StoreVerifyRequest(address, url, params["level"], params["fail"])
    directory = Path(params["instance_directory"]).resolve() if params["instance_directory"] else None
    common = {
        "target": target(params, required=False),
        "instance_options": Options(params["bin_dir"], directory, params["instance_user"]),
        **{name: params[name] for name in ("level", "jobs", "proof", "trusted", "fail")},
    }
    if params["archive"]:
        return ArchiveRequest(archive=Path(params["archive"]).resolve(), **common)
    # Check mode may come before there is a backup.
    backup_dir = Path(params["backup_dir"]).resolve() if params["backup_dir"] else Path()
    return verify.VerifyRequest(backup_dir=backup_dir, **common)


def serverless(params: Mapping[str, Any]) -> bool:
    return bool(params["level"] != "restore")


def main() -> None:
    serve(
        SPEC,
        run,
        mutually_exclusive=[*EITHER, ["store", "archive"]],
        required_one_of=EITHER,
        serverless=serverless,
    )
