# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds for every module: it is documented as it is, and only main() ends it."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import database
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import module as port
from ansible_collections.pgsafe.migration.plugins.modules import pg_kept_prune, pg_promotion_record
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import (
    COLLECTION,
    as_documented,
    as_specified,
    code,
    documented_options,
    runner,
    unreachable,
)

FILES = sorted((COLLECTION / "plugins" / "modules").glob("pg_*.py"))
GUARDED = sorted((COLLECTION / "plugins" / "module_utils" / "guarded").glob("pg_*.py"))
PACKAGE = pg_kept_prune.__name__.rpartition(".")[0]
MODULES = [importlib.import_module(f"{PACKAGE}.{path.stem}") for path in FILES]
RUNNING = [module for module in MODULES if hasattr(module, "main")]
CONNECTED = [module for module in RUNNING if "login_db" in code(module).SPEC]

# pg_promotion_record connects only where databases of one name on several servers share the backup root.
ALWAYS_CONNECTED = [module for module in CONNECTED if module is not pg_promotion_record]
ENOUGH: dict[str, dict[str, Any]] = {
    "pg_audit_info": {},
    "pg_backup": {"backup_root": "/nowhere"},
    "pg_backup_fetch": {"store": {"url": "s3://backups"}, "fetch_to": "/nowhere", "database": "app"},
    "pg_backup_info": {"backup_root": "/nowhere"},
    "pg_backup_prune": {"backup_root": "/nowhere"},
    "pg_batch_rollback": {"backup_dir": "/nowhere"},
    "pg_backup_copy": {"backup_dir": "/nowhere", "copy_to": [{"path": "/nowhere"}]},
    "pg_backup_verify": {"backup_dir": "/nowhere"},
    "pg_compare": {"other_db": "other"},
    "pg_guard": {"tasks": "- debug:"},
    "pg_migration_apply": {"command": ["true"]},
    "pg_migration_verify": {"backup_dir": "/nowhere"},
    "pg_preflight_facts": {"backup_root": "/nowhere"},
    "pg_restore_safe": {"backup_dir": "/nowhere"},
    "pg_rows_extract": {"backup_dir": "/nowhere", "table": "members", "condition": "true", "dest": "/nowhere"},
    "pg_table_recover": {"backup_dir": "/nowhere", "tables": ["members"]},
}

# Numbers with rules of their own, and those that another part of the collection gives.
RULED = {"keep_days", "keep_min", "offset", "size"}


def _name(of: object) -> str:
    return getattr(of, "__name__", getattr(of, "stem", str(of))).rpartition(".")[2]


def _required(module: ModuleType) -> dict[str, Any]:
    """Enough options for a module to begin; a new module of one required path needs no entry of its own."""
    spec = code(module).SPEC
    return ENOUGH.get(_name(module), {name: "/nowhere" for name, option in spec.items() if option.get("required")})


@pytest.mark.parametrize("module", RUNNING, ids=_name)
def test_the_documentation_names_the_options_that_there_are(module: ModuleType) -> None:
    documented = {name: as_specified(option) for name, option in documented_options(module).items()}
    assert documented == {name: as_documented(option) for name, option in code(module).SPEC.items()}


@pytest.mark.parametrize("module", RUNNING, ids=_name)
def test_a_number_outside_of_its_range_is_refused_before_anything_is_begun(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = code(module).SPEC
    numbers = {name for name, option in spec.items() if option["type"] in ("int", "float") and "choices" not in option}
    connection = unreachable(tmp_path) if module in CONNECTED else {}
    for name in numbers - RULED:
        ran = runner(module, monkeypatch)(**{**_required(module), **connection, name: -1})
        assert (ran.failed, f"{name} is -1" in ran.result["msg"]) == (True, True), name


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_the_blocks_of_a_documentation_are_yaml_with_what_ansible_asks_for(module: ModuleType) -> None:
    documentation = yaml.safe_load(module.DOCUMENTATION)
    assert documentation["module"] == _name(module)
    assert documentation["version_added"]
    assert documentation["short_description"][-1] != "."
    returned = yaml.safe_load(module.RETURN)
    assert all({"description", "returned", "type"} <= set(value) for value in returned.values())


@pytest.mark.parametrize("module", CONNECTED, ids=_name)
def test_an_example_uses_options_that_there_are(module: ModuleType) -> None:
    full = f"pgsafe.migration.{_name(module)}"
    spec = code(module).SPEC
    known = set(spec) | {alias for option in spec.values() for alias in option.get("aliases", ())}
    tasks = [task[full] for task in yaml.safe_load(module.EXAMPLES) if full in task]
    assert tasks
    for task in tasks:
        assert set(task) <= known
        assert {name for name, option in spec.items() if option.get("required")} <= set(task)


@pytest.mark.parametrize("path", [*FILES, *GUARDED], ids=_name)
def test_the_main_of_a_module_is_one_line(path: Path) -> None:
    functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    bodies = [[ast.unparse(line) for line in function.body] for function in functions if function.name == "main"]
    # pg_gate and pg_confirm are documentation, whose action plugins do it all, and so are the guarded modules.
    assert all(len(lines) == 1 and lines[0].startswith(("serve(", "serve_as(")) for lines in bodies)
    assert bool(bodies) == bool(functions)


def _returned(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield name
        yield from _returned(value.get("contains", {}))


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_playbook_can_read_all_values_with_a_dot(module: ModuleType) -> None:
    """``result.keys`` is the method of a dictionary."""
    assert [name for name in _returned(yaml.safe_load(module.RETURN)) if hasattr(dict, name)] == []


@pytest.mark.parametrize("module", ALWAYS_CONNECTED, ids=_name)
def test_a_module_that_cannot_connect_fails_once_with_all_parts_of_the_error(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = runner(module, monkeypatch)(**_required(module), **unreachable(tmp_path))
    assert ran.failed
    assert {"msg", "what_failed", "state_left", "remedy", "undo_problems"} <= set(ran.result)
    assert ran.result["state_left"] == "Nothing was changed."


@pytest.mark.parametrize("module", ALWAYS_CONNECTED, ids=_name)
def test_the_password_of_a_url_is_kept_out_of_whatever_a_module_returns(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"postgresql://u:p%40ss@/app?host={tmp_path}&port=1"
    ran = runner(module, monkeypatch)(**_required(module), login_url=url)
    assert ran.failed
    assert ran.fake.no_log_values == {"p@ss", "p%40ss"}
    assert "p@ss" not in str(ran.result)


@pytest.mark.parametrize("module", CONNECTED, ids=_name)
def test_a_url_that_cannot_be_used_fails_the_module_without_its_password(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = runner(module, monkeypatch)(**_required(module), login_url="postgresql://u:secret@h:5x/app")
    assert ran.failed
    assert "login_url" in ran.result["msg"]
    assert "secret" not in str(ran.result)


@pytest.mark.parametrize("module", [of for of in CONNECTED if of is not pg_kept_prune], ids=_name)
def test_without_psycopg2_a_module_fails_by_saying_so(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "_missing", lambda: "ImportError: no psycopg2")
    ran = runner(module, monkeypatch)(**_required(module), login_db="app")
    assert ran.failed
    assert "psycopg2" in ran.result["msg"]
    assert ran.result["exception"] == "ImportError: no psycopg2"


def test_without_psycopg2_kept_databases_are_not_known_where_no_run_says_that_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "_missing", lambda: "ImportError: no psycopg2")
    monkeypatch.setattr(database, "PSYCOPG2_ERROR", "ImportError: no psycopg2")
    ran = runner(pg_kept_prune, monkeypatch)(**_required(pg_kept_prune), login_db="app")
    assert ran.failed
    assert "psycopg2 is not installed for" in ran.result["what_failed"]


@pytest.mark.parametrize("module", CONNECTED, ids=_name)
def test_a_module_with_a_connection_takes_all_of_its_options(module: ModuleType) -> None:
    assert {name: code(module).SPEC.get(name) for name in arguments.CONNECTION} == arguments.CONNECTION
