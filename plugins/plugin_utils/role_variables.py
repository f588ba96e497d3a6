# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of the role, and those that only look like one of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from . import role_options
from .role_options import PREFIX

ROLE = Path(__file__).resolve().parents[2] / "roles" / "pg_migrate"

# Of the playbooks, and of the user's tasks.
_BESIDE = ("pg_migrate_hosts", "pg_migrate_serial", "pg_migrate_guarded_db")


def settable() -> set[str]:
    """What a user may set, in any of the playbooks."""
    return {*role_options.specified(), *_BESIDE}


def internal() -> set[str]:
    """What the role sets itself."""
    tasks = [_yaml(path) for path in sorted((ROLE / "tasks").glob("*.yml"))]
    return set(_yaml(ROLE / "vars" / "main.yml")) | set(_registered(tasks))


def unknown(names: Iterable[str]) -> list[str]:
    """A sentence for each name that begins like a variable of the role and is none."""
    strange = sorted({name for name in names if name.startswith(PREFIX)} - settable() - internal())
    return [f"There is no variable {name}.{_meant(name)}" for name in strange]


def _meant(name: str) -> str:
    """The variable, or the key of one, whose name is the closest."""
    known = {**role_options.variables(), **{other.removeprefix(PREFIX): other for other in settable()}}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""


def _registered(found: Any) -> Iterator[str]:
    """The names that tasks register or set as facts, at any depth of blocks."""
    for task in found if isinstance(found, list) else [found]:
        if isinstance(task, list):
            yield from _registered(task)
        elif isinstance(task, dict):
            yield from _of_task(task)


def _of_task(task: dict[str, Any]) -> Iterator[str]:
    if "register" in task:
        yield task["register"]
    yield from task.get("ansible.builtin.set_fact", {})
    for part in ("block", "rescue", "always"):
        yield from _registered(task.get(part, []))


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
