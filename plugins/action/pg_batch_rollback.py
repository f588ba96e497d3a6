# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_batch_rollback: which hosts of the batch failed, and stay with the guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..module_utils.errors import Refused
from ..module_utils.journal.verdicts import RestoreState, Verdict
from ..module_utils.text import first_few
from ..plugin_utils import batch as batches
from ..plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        batch, facts = batches.hosts(self._task, task_vars), task_vars["hostvars"]
        if arguments.get("state") == "ready":
            return _ready(batches.not_ready(batch, facts))
        if arguments.get("state") == "counted":
            return {**self._module(arguments, task_vars), "failed_hosts": []}
        failed = batches.failed(batch, facts)
        if not failed:
            nothing = {"rolls_back": False, "verdict": Verdict.MIGRATED.value, "console": []}
            return {"changed": False, "failed_hosts": [], **nothing}
        asked = {**arguments, "failed_hosts": failed}
        found = self._module(asked, task_vars) if self._task.check_mode else self._guarded(asked, task_vars)
        return {**found, "failed_hosts": failed, **_ended(found)}


def _ready(absent: Sequence[str]) -> dict[str, Any]:
    """
    :raises Refused: a host of the batch has failed.
    """
    if absent:
        raise Refused(
            f"Other hosts of the batch failed before the migration ({first_few(absent)}); with "
            "pg_migrate_on_batch_failure=rollback_batch this host would be migrated and rolled back again.",
            "Nothing was changed.",
            "Fix them first, then run again; or set pg_migrate_on_batch_failure=stop.",
        )
    return {"changed": False, "failed_hosts": [], "console": []}


def _ended(found: dict[str, Any]) -> dict[str, str]:
    """The database is as it was before, whether the rollback had anything to restore or not."""
    done = found.get("state") in (RestoreState.ROLLED_BACK, RestoreState.NOT_NEEDED) and not found.get("failed")
    return {"verdict": Verdict.ROLLED_BACK_WITH_BATCH.value} if done else {}
