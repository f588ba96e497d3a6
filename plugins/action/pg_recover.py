# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_recover: stay with the guard of a run that is aborted, then have the run finished."""

from __future__ import annotations

from typing import Any

from ..module_utils.journal.verdicts import Verdict
from ..plugin_utils.guarded import GuardedAction

# An aborted run has ended in one of these; the task that aborts it did what it was asked for.
_OVER = (Verdict.ROLLED_BACK, Verdict.FAILED_UNCHANGED, Verdict.REFUSED)


class ActionModule(GuardedAction):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("decision") != "abort" or self._task.check_mode:
            return self._module(arguments, task_vars)
        # In rescue, after a Ctrl+C too: what the interruption has left is what must be finished.
        found = self._guarded(arguments, task_vars, begun=True)
        if "verdict" not in found and not found.get("unreachable"):
            # The guard was killed, or had no verdict to give.
            found = self._module({**arguments, "decision": "finish"}, task_vars)
        if found.get("verdict") in _OVER:
            found["failed"] = False
        return found
