# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_migration_info: read the files."""

from __future__ import annotations

from typing import Any

from ..module_utils.codec import encoded
from ..plugin_utils import local_sets
from ..plugin_utils.action import Action


class ActionModule(Action):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("source"):
            source = local_sets.located(str(arguments["source"]), task_vars, self._loader.get_basedir())
            migration = local_sets.read(source, arguments)
            arguments.update(source=str(source), listing=encoded(migration.listing))
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return found
