# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's half: it finds the set, ships it, and leaves alone what is not its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.shell.sh import ShellModule
from ansible.template import Templar
from ansible_collections.pgsafe.migration.plugins.action.pg_migration_apply import ActionModule
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import migration_set
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource


class Controller:
    """An action with a target that is a directory, and a module that says what it was given."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> None:
        self.remote = root / "target"
        self.remote.mkdir()
        task = create_autospec(Task, instance=True)
        task.args, task.async_val, task.check_mode = arguments, 0, False
        task.action = "pgsafe.migration.pg_migration_apply"
        connection = create_autospec(ConnectionBase, instance=True)
        connection._shell = create_autospec(ShellModule, instance=True)
        connection._shell.tmpdir = str(self.remote)
        connection._shell.join_path.side_effect = lambda *parts: "/".join(parts)
        loader = create_autospec(DataLoader, instance=True)
        loader.get_basedir.return_value = str(root / "playbook")
        play, templar = create_autospec(PlayContext, instance=True), create_autospec(Templar, instance=True)
        self.action = ActionModule(task, connection, play, loader, templar)
        self.module = self._replaced(monkeypatch, "_execute_module", return_value={"changed": True})
        self.permitted = self._replaced(monkeypatch, "_fixup_perms2")
        # The base class makes it before, and cleanup() removes it afterwards: no second one is made.
        self.made = self._replaced(monkeypatch, "_make_tmp_path")
        self._replaced(monkeypatch, "_transfer_file", side_effect=self._transfer)

    def _replaced(self, monkeypatch: pytest.MonkeyPatch, name: str, **behaviour: Any) -> Mock:
        fake: Mock = create_autospec(getattr(self.action, name), **behaviour)
        monkeypatch.setattr(self.action, name, fake)
        return fake

    def _transfer(self, local: str, remote: str) -> None:
        Path(remote).write_bytes(Path(local).read_bytes())

    @property
    def handed_over(self) -> dict[str, Any]:
        """The options that the module on the target was given."""
        assert self.module.call_args.args == ("pgsafe.migration.pg_guarded",)
        found: dict[str, Any] = dict(self.module.call_args.kwargs["module_args"])
        assert found.pop("acts_as") == "pg_migration_apply"
        return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "inventory" / "migrations"
    directory.mkdir(parents=True)
    (directory / "a.sql").write_text("SELECT 1;")
    (directory / "b.sql").write_text("SELECT 2;")
    return directory


def test_a_set_is_shipped_so_that_the_target_reads_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    controller = Controller(tmp_path, monkeypatch, source=str(source), login_db="app")
    assert controller.action.run(task_vars={}) == {"changed": True}
    given = controller.handed_over
    assert (given["files"], given["login_db"]) == (["a.sql", "b.sql"], "app")
    assert given["digest"] == migration_set.read(source).digest
    sent = SetSource(Path(given["source"]), Path(given["bundle"]), tuple(given["files"]), given["digest"])
    assert sent.load(tmp_path / "staging").digest == given["digest"]
    assert given["bundle"] in controller.permitted.call_args.args[0]
    assert (Path(given["bundle"]).parent, controller.made.called) == (controller.remote, False)


@pytest.mark.parametrize(
    ("files", "names"), [(["b.sql"], ["b.sql"]), ("b.sql,a.sql", ["b.sql", "a.sql"]), ([], ["a.sql", "b.sql"])]
)
def test_the_files_are_read_as_the_module_would_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path, files: object, names: list[str]
) -> None:
    controller = Controller(tmp_path, monkeypatch, source=str(source), files=files)
    controller.action.run(task_vars={})
    assert controller.handed_over["files"] == names


@pytest.mark.parametrize(
    "arguments",
    [
        {"source": "/on/the/target", "remote_src": True},
        {"source": "/on/the/target", "remote_src": "yes"},
        {"command": ["alembic"], "source": ""},
        {"command": ["alembic"]},
    ],
)
def test_what_is_on_the_target_is_left_to_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any]
) -> None:
    controller = Controller(tmp_path, monkeypatch, **arguments)
    controller.action.run(task_vars={})
    assert controller.handed_over == arguments
    assert list(controller.remote.iterdir()) == []


@pytest.mark.parametrize("remote_src", [False, "false", "no", "False", "0", None])
def test_a_set_of_the_controller_is_shipped_however_no_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path, remote_src: object
) -> None:
    controller = Controller(tmp_path, monkeypatch, source=str(source), remote_src=remote_src)
    controller.action.run(task_vars={})
    assert (controller.remote / "migration.tar").exists()


def test_a_source_that_is_nowhere_is_told_with_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = Controller(tmp_path, monkeypatch, source="nowhere")
    result = controller.action.run(task_vars={"inventory_dir": str(tmp_path / "inventory")})
    assert result["failed"]
    assert f"{tmp_path}/inventory/nowhere, {tmp_path}/playbook/nowhere" in result["msg"]
    assert controller.module.call_count == 0


def test_a_set_that_cannot_be_used_fails_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    (source / "a.sql").write_text("\\c other")
    result = Controller(tmp_path, monkeypatch, source=str(source)).action.run(task_vars={})
    assert (result["failed"], result["changed"]) == (True, False)
    assert "leaves the database" in result["msg"]
    assert result["state_left"] == "Nothing was changed."
