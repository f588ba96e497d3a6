# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_fence: leave a process behind that renews the lease until the run has ended."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgsafe.migration.plugins.plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments, known = dict(self._task.args), task_vars or {}
        if arguments.get("state", "fenced") != "fenced" or self._task.check_mode:
            return {**result, **self._execute_module(module_args=arguments, task_vars=known)}
        return {**result, **self._begun(arguments, known, self._renew)}
