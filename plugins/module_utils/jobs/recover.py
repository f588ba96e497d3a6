# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recovery of one run as a job: what a guard does when its worker was killed or could not put things back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import console, recover, standing
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import target
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import of_run


def run(params: Mapping[str, Any]) -> dict[str, Any]:
    """
    :raises PgsafeError: the run could not be finished or undone.
    """
    root = Path(params["backup_root"])
    asked = recover.RecoverRequest(
        target(params),
        root,
        params.get("jobs") or 2,
        params["run_id"],
        by_person=params.get("by_person", False),
    )
    found = recover.run(asked)
    journal = of_run(root, params["run_id"])
    lines = console.recover(found, foreseen=False)
    stands = standing.facts(journal) if journal else {}
    return {"changed": bool(found.done), **stands, "msg": ". ".join(found.done), "console": lines}
