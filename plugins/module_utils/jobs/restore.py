# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The restore as a job: a rollback by hand, or a copy of a backup in a database of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import console, restore, rollback, waivers
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import target
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import Journal

Params = Mapping[str, Any]


def run(params: Params) -> dict[str, Any]:
    """
    :raises PgsafeError: it could not be done, or was broken off; the live database is as it was before the call.
    """
    done = restore.run(_request(params))
    return _result(done, done.state != "not_needed", console.restore(done))


def predicted(params: Params) -> dict[str, Any]:
    """What would be done, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    plan = restore.plan(_request(params))
    foreseen = rollback.Restored(plan.state, plan.database, "", plan.kept, (), plan.sessions, {}, 0.0)
    return _result(foreseen, plan.state != "not_needed", console.restore_foreseen(plan))


def nothing() -> dict[str, Any]:
    """Of a run that has no backup yet."""
    return _result(rollback.Restored("not_needed", "", "", "", (), 0, {}, 0.0), False, [])


def run_of(params: Params) -> Journal | None:
    """The run that the backup is of; None for one that has none beside it, or none that we may write to.

    :raises PgsafeError: it could not be begun.
    """
    found = restore.run_of(_request(params))
    return found if found and os.access(found.directory, os.W_OK) else None


def _request(params: Params) -> restore.RestoreRequest:
    return restore.RestoreRequest(
        target=target(params, required=False),
        backup_dir=Path(params["backup_dir"]).resolve(),
        new_database=params["new_database"],
        jobs=params["jobs"],
        finish=params["finish"],
        settled_by_hand=params["settled_by_hand"],
        sequences=params["sequences"] or "",
        waived=waivers.read(params["waive"]),
        free_bytes=params["free_bytes"],
    )


def _result(done: rollback.Restored, changed: bool, lines: list[str]) -> dict[str, Any]:
    return {
        "changed": changed,
        "state": done.state,
        "database": done.database,
        "method": done.method,
        "verdict": done.verdict,
        "kept": done.kept,
        "failures": list(done.failures),
        "rows": done.rows,
        "seconds": done.seconds,
        "cutover_seconds": done.cutover_seconds,
        "warnings_given": list(done.warnings),
        "console": lines,
    }
