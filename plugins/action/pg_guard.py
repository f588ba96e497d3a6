# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_guard: open the window, and stay with its guard."""

from __future__ import annotations

from typing import Any

from ..module_utils.journal.verdicts import Verdict
from ..plugin_utils import shield
from ..plugin_utils.guarded import GuardedAction

_UNDONE = (Verdict.ROLLED_BACK, Verdict.FAILED_UNCHANGED)


class ActionModule(GuardedAction):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        state = arguments.get("state", "armed")
        arguments.update(self._permit(arguments, task_vars) if state == "armed" else {})
        if self._task.check_mode:
            return self._module(arguments, task_vars)
        if state == "armed":
            return self._begun(arguments, task_vars)
        if state == "disarmed" and shield.asked():
            # A person asked for an end while the tasks ran: they are rolled back and not verified.
            arguments["state"] = "rolled_back"
        found = self._guarded(arguments, task_vars, begun=True)
        if state == "rolled_back" and found.get("verdict") in _UNDONE:
            found["failed"] = False
        return found
