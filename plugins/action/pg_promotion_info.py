# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_promotion_info: read the set and the records, and judge what is pending by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from ..module_utils.codec import encoded
from ..module_utils.errors import PgsafeError, Problem
from ..module_utils.migrate.migration_set import MigrationSet
from ..module_utils.promotion import judge, policy
from ..module_utils.promotion.judge import Here, Judgement
from ..module_utils.promotion.policy import Policy
from ..module_utils.promotion.record import Step
from ..module_utils.text import TICK
from ..plugin_utils import local_sets, promotions
from ..plugin_utils.action import Action


class ActionModule(Action):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            asked = policy.read(arguments.get("promotion"))
            migration = local_sets.of_controller(arguments, task_vars, self._loader.get_basedir())
            given = {**arguments, **(_sent(migration) if migration else {})}
            found: dict[str, Any] = self._execute_module(module_args=given, task_vars=task_vars)
            if found.get("unreachable"):
                return found
            if found.get("failed"):
                return _result(_unchecked(str(found.get("what_failed") or found.get("msg")), asked))
            return _result(self._judged(asked, _here(found, arguments, migration), task_vars))
        except PgsafeError as error:
            return _result(_unchecked(f"{error.what} {error.remedy}".strip(), Policy()))

    def _judged(self, asked: Policy, here: Here, task_vars: dict[str, Any]) -> Judgement:
        directory = promotions.located(asked, promotions.bases(task_vars, self._loader.get_basedir()))
        return judge.judge([promotions.kept(directory, name) for name in asked.required], here, asked)


def _sent(migration: MigrationSet) -> dict[str, Any]:
    names = [file.name for file in migration.files]
    return {"files": names, "digest": migration.digest, "listing": encoded(migration.listing)}


def _here(found: Mapping[str, Any], arguments: Mapping[str, Any], migration: MigrationSet | None) -> Here:
    pending = tuple(
        Step(file["name"], file["sha256"], tuple(map(tuple, file["parts"])), tuple(map(tuple, file["tree"])))
        for file in found["pending"]
    )
    return Here(
        set_name=str(arguments.get("set_name", "default")),
        pending=pending,
        server_major=int(found["server_major"]),
        schema=found["schema"],
        now=datetime.now(timezone.utc),
        texts=promotions.lines(migration),
    )


def _unchecked(why: str, asked: Policy) -> Judgement:
    """What could not be judged is no pass."""
    problem = Problem(judge.CHECK, "error", f"Promotion could not be checked: {why}", "")
    waived = Problem(judge.CHECK, "warning", problem.what, "", asked.override)
    return Judgement((waived if asked.override else problem,))


def _result(found: Judgement) -> dict[str, Any]:
    lines = [f"{TICK} Promotion: {line}" for line in found.told] if not found.problems else []
    problems = [asdict(problem) for problem in found.problems]
    return {"changed": False, "problems": problems, "told": list(found.told), "console": lines}
