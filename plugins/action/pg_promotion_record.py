# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_promotion_record: write the records. The migration stands, so this never fails it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils.errors import BadRequest, PgsafeError
from ..module_utils.promotion import policy
from ..module_utils.text import CROSS, TICK
from ..plugin_utils import local_sets, promotions
from ..plugin_utils.action import Action
from ..plugin_utils.promotions import Shelf

_STANDS = "The database is as its verdict says. Fix the cause, then run again: a run without pending files records it."


class ActionModule(Action):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            return _result([], [], [])
        try:
            shelf = self._shelf(arguments, task_vars)
            given = {**arguments, "recorded": shelf.recorded}
            found: dict[str, Any] = self._execute_module(module_args=given, task_vars=task_vars)
            if found.get("failed") or found.get("unreachable"):
                return _result([], [], [str(found.get("msg"))])
            return _kept(shelf, found, self._texts(arguments, task_vars))
        except PgsafeError as error:
            return _result([], [], [f"{error.what} {error.remedy}".strip()])

    def _shelf(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> Shelf:
        asked = policy.read(arguments.get("promotion"))
        directory = promotions.located(asked, promotions.bases(task_vars, self._loader.get_basedir()))
        host = str(task_vars.get("inventory_hostname", ""))
        database = str(arguments.get("login_db") or "")
        if not database:
            raise BadRequest("No database is named.", remedy="Give login_db.")
        return Shelf(directory, asked.environment, host, database)

    def _texts(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, list[str]]:
        """None of a set that is not there any more, or was changed since."""
        try:
            return promotions.lines(local_sets.of_controller(arguments, task_vars, self._loader.get_basedir()))
        except PgsafeError:
            return {}


def _kept(shelf: Shelf, found: Mapping[str, Any], texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    evidence, undone = found.get("evidence"), found.get("undone")
    if not isinstance(evidence, Mapping) or not isinstance(undone, list) or not _texts_alone(evidence, undone):
        return _result([], [], ["What the target returned is no evidence of a run: it has values of other types."])
    failed: list[str] = []
    kept = [
        _tried(lambda run=run, text=text: shelf.keep(run, text, texts), failed)  # type: ignore[misc]
        for run, text in sorted(evidence.items())
    ]
    withdrawn = [_tried(lambda run=run: shelf.withdraw(run), failed) for run in undone]  # type: ignore[misc]
    return _result([str(path) for path in kept if path], [str(path) for path in withdrawn if path], failed)


def _texts_alone(evidence: Mapping[Any, Any], undone: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in (*evidence, *evidence.values(), *undone))


def _tried(write: Callable[[], Path], failed: list[str]) -> Path | None:
    try:
        return write()
    except PgsafeError as error:
        failed.append(f"{error.what} {error.remedy}".strip())
        return None


def _result(kept: Sequence[str], withdrawn: Sequence[str], failed: Sequence[str]) -> dict[str, Any]:
    problems = [f"The promotion record could not be kept: {why} {_STANDS}" for why in failed]
    return {
        "changed": bool(kept or withdrawn),
        "recorded": list(kept),
        "withdrawn": list(withdrawn),
        "not_recorded": list(failed),
        "console": [
            *[f"{TICK} Promotion record: {path}" for path in kept],
            *[f"{TICK} Promotion record withdrawn: {path}" for path in withdrawn],
            *[f"{CROSS} {problem}" for problem in problems],
        ],
        **({"warnings": problems} if problems else {}),
    }
