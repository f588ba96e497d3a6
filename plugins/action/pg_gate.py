# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse, with every problem at once, what can be known to be wrong before anything is begun."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ..plugin_utils import role_variables, start_checks
from ..plugin_utils.action import Action

_OPTION: dict[str, dict[str, Any]] = {
    "database": {"type": "str", "required": True},
    "confirm": {"type": "raw", "default": []},
    "asks": {"type": "bool", "default": True},
    "migrates": {"type": "bool", "default": False},
    "backup_root": {"type": "path"},
    "source": {"type": "path"},
    "files": {"type": "list", "elements": "str", "default": []},
    "remote_src": {"type": "bool", "default": False},
    "command": {"type": "list", "elements": "str", "default": []},
    "pending_command": {"type": "list", "elements": "str", "default": []},
    "chdir": {"type": "path"},
    "program_path": {"type": "str"},
    "tasks": {"type": "path"},
    "commands_around": {"type": "list", "elements": "raw", "default": []},
    "retention": {"type": "dict", "default": {}},
    "expectations": {"type": "dict", "default": {}},
    "assertions": {"type": "list", "elements": "dict", "default": []},
    "waive": {"type": "dict", "default": {}},
    "audit_rules_dir": {"type": "path"},
    "fence": {"type": "str", "default": ""},
    "fence_reason": {"type": "str", "default": ""},
    "proof": {"type": "str", "default": ""},
    "on_verify_failure": {"type": "str", "default": ""},
    "numbers": {"type": "dict", "default": {}},
    "promotion": {"type": "dict", "default": {}},
    "batch": {"type": "int", "default": 1},
    "on_batch_failure": {"type": "str", "default": ""},
    "batch_rollback": {"type": "dict", "default": {}},
}


class ActionModule(Action):
    def perform(self, _arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        _validated, options = self.validate_argument_spec(argument_spec=_OPTION)
        problems = list(self._problems(options, task_vars))
        refused = _refused(problems) if problems else {}
        return {"changed": False, "reasons": problems, **refused}

    def _problems(self, given: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Iterator[str]:
        yield from role_variables.unknown(task_vars)
        yield from start_checks.confirmation(given, self._task.check_mode)
        yield from start_checks.places(given)
        yield from start_checks.waived(given)
        if given["migrates"]:
            bases = (task_vars.get("inventory_dir"), self._loader.get_basedir())
            yield from start_checks.numbers(given)
            yield from start_checks.combinations(given)
            yield from start_checks.ways(given, bases)
            yield from start_checks.declarations(given)
            yield from start_checks.audit_rules(given, bases)
            yield from start_checks.retention(given)
            yield from start_checks.promotion(given, bases)
            yield from start_checks.batch_rollback(given, str(self._task.get_play().strategy))
            yield from self._missing(given)

    def _missing(self, given: Mapping[str, Any]) -> Iterator[str]:
        """What is missing on the target, as the user of the play finds it."""
        if given["source"] and given["remote_src"] and not self._succeeds(f"test -e {shlex.quote(given['source'])}"):
            yield f"There is no migration set at {given['source']} on the target. Check pg_migrate_source."
        for option, key in (("command", "argv"), ("pending_command", "pending")):
            argv = given[option]
            if argv and not self._runs(argv[0], given["chdir"], given["program_path"]):
                yield f"The command {argv[0]!r} cannot be run on the target. Check pg_migrate_command.{key}."
        for argv in given["commands_around"]:
            if not isinstance(argv, list):
                yield f"pg_migrate_hooks has {argv!r}; write each command as a list, such as [[sh, pause.sh]]."
            elif not argv or not self._runs(str(argv[0])):
                yield (
                    f"The command {argv!r} cannot be run on the target. "
                    "Check pg_migrate_hooks.before_fence and pg_migrate_hooks.after_opening."
                )

    def _runs(self, program: str, directory: str | None = None, path: str | None = None) -> bool:
        steps = [f"PATH={shlex.quote(path)}"] if path else []
        steps += [f"cd {shlex.quote(directory)}"] if directory else []
        return self._succeeds(" && ".join([*steps, f"command -v {shlex.quote(program)}"]))

    def _succeeds(self, shell: str) -> bool:
        return bool(self._low_level_execute_command(f"( {shell} ) > /dev/null 2>&1")["rc"] == 0)


def _refused(problems: list[str]) -> dict[str, Any]:
    what = "\n".join(problems) if len(problems) == 1 else "\n".join(f"- {problem}" for problem in problems)
    state = "Nothing was changed."
    return {
        "failed": True,
        "what_failed": what,
        "state_left": state,
        "msg": f"Refused before anything was begun:\n{what}\n{state}",
    }
