# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_backup_copy: copy to directories of the controller, in ranges."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..module_utils.arguments import store_address
from ..module_utils.backup import carried_source, places
from ..module_utils.backup.copy_source import CopySource
from ..module_utils.backup.places import Copied, NotCopied, Place
from ..module_utils.errors import FileFailed
from ..module_utils.jobs import copies
from ..module_utils.ports import signals
from ..plugin_utils import controller_places
from ..plugin_utils.action import Action


class ActionModule(Action):
    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = arguments.get("copy_to")
        if not controller_places.any_of(given):
            plain: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
            return plain
        copy_to = controller_places.typed(given)
        source = self._source(str(arguments.get("backup_dir")), task_vars)
        of_target = [one for one in given if not controller_places.is_one(one)]
        found = self._of_target({**arguments, "copy_to": of_target}, task_vars) if of_target else {}
        if found.get("failed") and not found.get("copies"):
            return found
        own = self._of_controller(copy_to, source, str(task_vars.get("inventory_hostname", "")))
        return _result(_merged(copy_to, found.get("copies", ()), own), self._task.check_mode)

    def _of_target(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return found

    def _source(self, backup_dir: str, task_vars: dict[str, Any]) -> CopySource:
        """
        :raises PgsafeError: there is no verified backup, or it cannot be read.
        """

        def read_range(name: str, offset: int) -> bytes:
            wanted = {"backup_dir": backup_dir, "file": name, "offset": offset}
            return _decoded(self._read(wanted, task_vars).get("content"))

        described = self._read({"backup_dir": backup_dir}, task_vars).get("description")
        return carried_source.of_description(str(described), read_range)

    def _read(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        name = "pgsafe.migration.pg_backup_read"
        found: dict[str, Any] = self._execute_module(module_name=name, module_args=arguments, task_vars=task_vars)
        if found.get("failed"):
            what = str(found.get("what_failed") or found.get("msg"))
            raise FileFailed(what, remedy=str(found.get("remedy") or ""))
        return found

    def _of_controller(self, copy_to: Sequence[dict[str, Any]], source: CopySource, host: str) -> Iterator[Copied]:
        with signals.raised("The copy of the backup"):
            tried = [
                places.tried(controller_places.of_host(given, host), source, foreseen=self._task.check_mode)
                for given in copy_to
                if controller_places.is_one(given)
            ]
        return iter(tried)


def _decoded(content: Any) -> bytes:
    """
    :raises FileFailed: it is no base64.
    """
    try:
        return base64.b64decode(str(content), validate=True)
    except binascii.Error as error:
        raise FileFailed(f"What the target returned is no range of a file: {error}.") from error


def _merged(
    copy_to: Sequence[dict[str, Any]], of_target: Sequence[dict[str, Any]], own: Iterator[Copied]
) -> list[Copied]:
    """All copies in the order of their places."""
    theirs = iter(of_target)
    return [next(own) if controller_places.is_one(one) else _returned(next(theirs), one) for one in copy_to]


def _returned(copied: dict[str, Any], given: dict[str, Any]) -> Copied:
    place = Place(Path(copied["path"]), given["required"], store_address(given) if given["url"] else None)
    where, problem = str(copied["backup_dir"]), str(copied["problem"])
    return Copied(place, where, int(copied["bytes"]), bool(copied["copied"]), problem)


def _result(found: Sequence[Copied], foreseen: bool) -> dict[str, Any]:
    result = {"changed": any(copied.made for copied in found), **copies.as_result(found, foreseen)}
    try:
        places.require_required(found)
    except NotCopied as error:
        return {**result, "failed": True, "msg": str(error), **error.facts()}
    return result
