# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_preflight_facts: look at the places for copies that are on the controller."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import controller_places
from ..plugin_utils.action import Action


class ActionModule(Action):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if controller_places.any_of(arguments.get("copy_to")):
            arguments["controller_places"] = self._looked_at(arguments["copy_to"], task_vars)
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return found

    def _looked_at(self, copy_to: list[Any], task_vars: dict[str, Any]) -> list[dict[str, Any]]:
        host = str(task_vars.get("inventory_hostname", ""))
        own = [given for given in controller_places.typed(copy_to) if controller_places.is_one(given)]
        return [controller_places.looked_at(controller_places.of_host(given, host)) for given in own]
