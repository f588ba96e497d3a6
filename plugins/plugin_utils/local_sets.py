# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The migration set of a task, among the files of the controller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.validation import check_type_list
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils.migrate import migration_set
from ..module_utils.migrate.migration_set import MigrationSet
from . import local_files


def located(source: str, task_vars: Mapping[str, Any], playbook: str) -> Path:
    """Absolute, or relative to the inventory, then to the playbook.

    :param playbook: the directory of the playbook.
    :raises BadRequest: it is at none of these places.
    """
    return local_files.located(source, [task_vars.get("inventory_dir"), playbook], "migration set", "source")


def read(source: Path, arguments: Mapping[str, Any]) -> MigrationSet:
    """
    :raises BadRequest: it cannot be used.
    """
    return migration_set.read(source, check_type_list(arguments.get("files") or []))


def of_controller(arguments: Mapping[str, Any], task_vars: Mapping[str, Any], playbook: str) -> MigrationSet | None:
    """The set of a task, where it is among the files of the controller.

    :raises BadRequest: it cannot be used.
    """
    if not arguments.get("source") or is_remote(arguments) or arguments.get("command"):
        return None
    return read(located(str(arguments["source"]), task_vars, playbook), arguments)


def is_remote(arguments: Mapping[str, Any]) -> bool:
    """As the module will read it: a variable of the command line is a string, and "false" is one too."""
    return bool(boolean(arguments.get("remote_src") or False, strict=False))
