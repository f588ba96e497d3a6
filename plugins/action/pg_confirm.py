# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One question for a batch of hosts; everything but a typed yes is a no."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.module_utils.common.text.converters import to_text
from ansible.utils.display import Display

from ..module_utils import prediction
from ..module_utils.foreign_text import visible
from ..module_utils.model import COPIED, FOLLOWED
from ..module_utils.text import duration, first_few, size
from ..plugin_utils import question as questions
from ..plugin_utils import shield, terminals
from ..plugin_utils.action import Action
from ..plugin_utils.trap import trapped

_OPTION = {
    "databases": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "host": {"type": "str", "required": True},
            "database": {"type": "str", "required": True},
            "backup_dir": {"type": "str", "required": True},
            "bytes": {"type": "int", "required": True},
            "restore_seconds": {"type": "float", "required": True},
            "files": {"type": "list", "elements": "str"},
            "baseline": {"type": "list", "elements": "str"},
            "promoted": {"type": "list", "elements": "str"},
            "version": {"type": "str"},
            "undoes": {"type": "list", "elements": "str"},
            "written_since": {"type": "list", "elements": "str"},
            "not_given_back": {"type": "list", "elements": "str"},
            "copied_to": {"type": "list", "elements": "str"},
            "drops": {"type": "list", "elements": "str"},
            "fence": {"type": "str"},
            "predictions": {"type": "list", "elements": "dict"},
        },
    },
    "timeout": {"type": "int", "default": 900},
}


class ActionModule(Action):
    BYPASS_HOST_LOOP = True

    def perform(self, _arguments: dict[str, Any], _task_vars: dict[str, Any]) -> dict[str, Any]:
        _validated, options = self.validate_argument_spec(argument_spec=_OPTION)
        if self._task.check_mode:
            return _answer((), False, "Nothing is asked in check mode.")
        if not options["databases"]:
            return _answer((), False, "There is nothing to confirm.")
        if reason := terminals.nobody_to_ask():
            return _answer((), False, reason)
        if shield.asked():
            return _answer((), False, "The run was interrupted.")
        return _ask(options["databases"], options["timeout"])


def _ask(databases: Sequence[Mapping[str, Any]], timeout: int) -> dict[str, Any]:
    started = time.monotonic()
    try:
        typed = _typed(question(databases), timeout)
    except AnsiblePromptNoninteractive:
        return _answer((), False, "There is no terminal to ask on.")
    except questions.Unanswered as error:
        return _answer((), True, str(error))
    # The answer was typed behind the question, and what comes next has a line of its own.
    Display().display("")
    if time.monotonic() - started >= timeout:
        # What was typed without Enter is no answer.
        return _answer((), True, f"No answer within {timeout} s.")
    if shield.asked():
        # A signal that came just before or behind the question, when its keys were not read.
        return _answer((), True, "The run was interrupted.")
    if to_text(typed).strip() != "yes":
        return _answer((), True, "The answer was not yes.")
    return _answer([f"{entry['host']}/{entry['database']}" for entry in databases], True, "")


def _typed(text: str, timeout: int) -> Any:
    """
    :raises Unanswered: there is no answer, and will be none.
    """
    with terminals.opened_input() as terminal:
        if terminal is None:
            return _typed_at_prompt(text, timeout)
        with trapped() as trap:
            return questions.ask(terminal, lambda: Display().display(text, newline=False), lambda: trap.reason, timeout)


def _typed_at_prompt(text: str, timeout: int) -> Any:
    """By Ansible's own prompt, where the terminal of the main process cannot be opened: without /proc.

    :raises Unanswered: Ctrl+C was pressed.
    """
    try:
        return Display().prompt_until(text, seconds=timeout)
    except AnsiblePromptInterrupt as error:
        raise questions.Unanswered(questions.INTERRUPTED) from error


def _answer(confirmed: Sequence[str], asked: bool, reason: str) -> dict[str, Any]:
    return {"changed": False, "confirmed": list(confirmed), "asked": asked, "reason": reason}


def _expected(seconds: float) -> str:
    if seconds < 0:
        return "unknown"
    return duration(seconds) if seconds >= 1 else "under a second"


def _block(entry: Mapping[str, Any]) -> str:
    if entry.get("drops"):
        dropped = "".join(f"\n    DROP {visible(line)}" for line in entry["drops"])
        return f"  {visible(entry['host'])}: kept beside {visible(entry['database'])}{dropped}"
    files, baseline = list(entry.get("files") or ()), list(entry.get("baseline") or ())
    wanted = f"    To be applied: {visible(first_few(files))}\n" if files else ""
    known = f"    Baseline, recorded and not run: {visible(first_few(baseline))}\n" if baseline else ""
    version = f"    Version: {visible(entry['version'])}\n" if entry.get("version") else ""
    proven = "".join(f"    Promotion: {visible(line)}\n" for line in entry.get("promoted") or ())
    undone = "".join(f"    {visible(line)}\n" for line in entry.get("undoes") or ())
    undone += "".join(f"    {visible(line)}\n" for line in entry.get("written_since") or ())
    copies = "".join(f"    Copy: {visible(directory)}\n" for directory in entry.get("copied_to") or ())
    return (
        f"  {visible(entry['host'])}: {visible(entry['database'])}\n{known}{wanted}{version}{proven}{undone}"
        f"    Location: {visible(entry['backup_dir'])}\n{copies}"
        f"    Size: {size(int(entry['bytes']))}; {_rollback(entry)}{_waiting(entry)}"
    )


def _waiting(entry: Mapping[str, Any]) -> str:
    """How long clients are expected to wait, behind the fence of the run and behind the others."""
    found = prediction.of_facts(entry.get("predictions") or ())
    chosen = prediction.of_kind(found, str(entry.get("fence")))
    lines = prediction.in_lines(chosen, found) if chosen else []
    return "".join(f"\n    {visible(line)}" for line in lines)


_WRITTEN_UNTIL = {
    COPIED: "the database is closed and its files are copied",
    FOLLOWED: "the database becomes read-only for the comparison with its copy",
}


def _rollback(entry: Mapping[str, Any]) -> str:
    """How long it takes, and what it would not give back."""
    until = _WRITTEN_UNTIL.get(str(entry.get("fence")), "")
    meanwhile = until and (
        f"\n    Clients can write until {until}; what they write after the backup is in that copy, and not in the "
        "backup"
    )
    if entry.get("fence") == COPIED:
        return f"expected rollback: under a second, to a copy of the files{meanwhile}"
    lost = "".join(f"\n    Not given back by a rollback: {visible(line)}" for line in entry.get("not_given_back") or ())
    return f"expected rollback: {_expected(float(entry['restore_seconds']))}{meanwhile}{lost}"


def question(databases: Sequence[Mapping[str, Any]]) -> str:
    """What the person sees; one block a database."""
    listed = "\n".join(map(_block, databases))
    if any(entry.get("drops") for entry in databases):
        return (
            f"\nDROP: these databases will be lost, with all data that only they hold\n{listed}\n\n"
            "Drop these databases and proceed? (yes/NO): "
        )
    if any(entry.get("undoes") for entry in databases):
        return (
            f"\nROLLBACK: what was written after these backups will be in the kept databases only\n{listed}\n\n"
            "Roll back to these backups and proceed? (yes/NO): "
        )
    return (
        f"\nCRITICAL: these backups contain ALL your data\n{listed}\n\n"
        "Confirm backup location is correct and proceed? (yes/NO): "
    )
