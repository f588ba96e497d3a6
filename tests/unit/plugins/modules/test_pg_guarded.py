# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that the guarded ones share, by AnsibleModule itself: it is the one that is asked for, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.pgsafe.migration.plugins.modules import pg_guarded
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION, unreachable

Ran = Callable[..., dict[str, Any]]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run the module with options; what it has printed."""

    def run(**given: Any) -> dict[str, Any]:
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            pg_guarded.main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_every_guarded_action_and_no_other_has_its_module_there() -> None:
    plugins = COLLECTION / "plugins"
    actions = [path.stem for path in (plugins / "action").glob("*.py") if "(GuardedAction)" in path.read_text("utf-8")]
    files = [path.stem for path in (plugins / "module_utils" / "guarded").glob("pg_*.py")]
    assert pg_guarded.NAMES == sorted(actions) == sorted(files)


def test_it_is_the_module_that_is_asked_for(ran: Ran, tmp_path: Path) -> None:
    found = ran(acts_as="pg_backup", backup_root=str(tmp_path), **unreachable(tmp_path))
    assert found["state_left"] == "Nothing was changed."
    assert found["invocation"]["module_args"]["compress_level"] == 1
    assert "acts_as" not in found["invocation"]["module_args"]


def test_an_option_that_there_is_not_is_refused_in_the_name_of_that_module(ran: Ran) -> None:
    msg = ran(acts_as="pg_backup", backup_root="/nowhere", login_dbb="app")["msg"]
    assert msg.startswith("Unsupported parameters for (pgsafe.migration.pg_backup) module: login_dbb.")


def test_without_a_module_or_with_another_one_it_fails(ran: Ran) -> None:
    assert ran(login_db="app")["msg"].startswith("missing required arguments: acts_as")
    assert ran(acts_as="pg_compare")["msg"].startswith("value of acts_as must be one of: pg_backup, ")
