# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_restore_safe: stay with the guard that does it, or let the module finish a run itself."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.pgsafe.migration.plugins.plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments, known = dict(self._task.args), task_vars or {}
        if boolean(arguments.get("finish", False), strict=False):
            # In rescue, after a Ctrl+C too: what the interruption has left is what is to be finished.
            return {**result, **self._execute_module(module_args=arguments, task_vars=known)}
        return {**result, **self._guarded(arguments, known)}
