# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half of pg_migration_apply: ship the migration set, and stay with the guard that applies it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..module_utils.codec import encoded
from ..module_utils.migrate import migration_set
from ..module_utils.ports.files import read_text
from ..plugin_utils import local_sets
from ..plugin_utils.guarded import GuardedAction


class ActionModule(GuardedAction):
    TRANSFERS_FILES = True
    _root: Path | None = None

    def perform(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("source") and not local_sets.is_remote(arguments) and not arguments.get("command"):
            arguments.update(self._shipped(arguments, task_vars))
        arguments.update(self._permit(arguments, task_vars))
        result = self._guarded(arguments, task_vars)
        if self._task.diff and self._task.check_mode and self._root:
            result["diff"] = [_shown(self._root, name) for name in result.get("files", [])]
        return result

    def _shipped(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        source = local_sets.located(str(arguments["source"]), task_vars, self._loader.get_basedir())
        migration = local_sets.read(source, arguments)
        self._root = migration.root
        # Made by Ansible before and removed by it afterwards, since this plugin transfers files.
        directory = self._connection._shell.tmpdir
        bundle = self._connection._shell.join_path(directory, "migration.tar")
        with tempfile.NamedTemporaryFile(suffix=".tar") as packed:
            packed.write(migration_set.pack(migration, source))
            packed.flush()
            self._transfer_file(packed.name, bundle)
        self._fixup_perms2((directory, bundle))
        names = [file.name for file in migration.files]
        sent = {"files": names, "digest": migration.digest, "listing": encoded(migration.listing)}
        return {"source": str(source), "bundle": bundle, **sent}


def _shown(root: Path, name: str) -> dict[str, str]:
    """A pending file as --diff shows it."""
    return {"before": "", "after": read_text(root / name), "before_header": name, "after_header": f"{name} (pending)"}
