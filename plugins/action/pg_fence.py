# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_fence: leave a process behind that renews the lease until the run has ended."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("state", "fenced") != "fenced" or self._task.check_mode:
            return self._module(arguments, task_vars)
        return self._begun(arguments, task_vars)
