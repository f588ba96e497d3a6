# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_guard: open the window, and stay with its guard."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.plugin_utils import shield
from ansible_collections.pgsafe.migration.plugins.plugin_utils.guarded import GuardedAction

_UNDONE = (Verdict.ROLLED_BACK, Verdict.FAILED_UNCHANGED)


class ActionModule(GuardedAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments, known = dict(self._task.args), task_vars or {}
        state = arguments.get("state", "armed")
        if self._task.check_mode:
            return {**result, **self._execute_module(module_args=arguments, task_vars=known)}
        if state == "armed":
            return {**result, **self._begun(arguments, known, self._keep)}
        if state == "disarmed" and shield.asked():
            # A person asked for an end while the tasks ran: they are rolled back and not verified.
            arguments["state"] = "rolled_back"
        found = self._guarded(arguments, known, begun=True)
        if state == "rolled_back" and found.get("verdict") in _UNDONE:
            found["failed"] = False
        return {**result, **found}
