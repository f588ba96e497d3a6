# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_restore_safe: stay with the guard that does it."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgsafe.migration.plugins.plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        return {**result, **self._guarded(dict(self._task.args), task_vars or {})}
