# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shape of the house: who may know whom, and who may do what."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rooms
import yaml
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import registry
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

PLUGINS = COLLECTION / "plugins"
UTILS = PLUGINS / "module_utils"
PREFIX = "ansible_collections.pgsafe.migration.plugins."
SOURCES = sorted(path for path in PLUGINS.rglob("*.py") if path.name != "__init__.py")

GROUND = {"errors", "foreign_text", "model"}
PORTS = {"ports.commands", "ports.files", "ports.database", "ports.object_store"}
VERBS = {"preflight.run", "backup.run", "verify.run", "verify.lone_archive", "migrate.run", "restore.run", "audit.run"}


def _name(path: Path) -> str:
    """``fence.mark`` for plugins/module_utils/fence/mark.py; ``modules.pg_backup`` for a module."""
    base = UTILS if UTILS in path.parents else PLUGINS
    return ".".join(path.relative_to(base).with_suffix("").parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


def _imports(path: Path) -> set[str]:
    """The full names of all that a file imports when it runs."""
    found: set[str] = set()
    for node in _running(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = rooms.source(node, f"{PREFIX}{'.'.join(path.relative_to(PLUGINS).with_suffix('').parts)}")
            found |= {f"{source}.{alias.name}" for alias in node.names} | {source}
    return found


FILES = {_name(path): path for path in SOURCES}
# Those whose work a guard does have their code in a package of its own.
MODULES = sorted(name for name in FILES if name.startswith(("modules.", "guarded.")))


def _ours(path: Path) -> set[str]:
    """The files of the collection that a file imports."""
    parts = {name[len(PREFIX) :].removeprefix("module_utils.") for name in _imports(path) if name.startswith(PREFIX)}
    return parts & set(FILES)


GRAPH = {name: _ours(path) for name, path in FILES.items()}


def _reachable(name: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(GRAPH[name])
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += GRAPH[current]
    return seen


def _who_imports(*packages: str) -> set[str]:
    return {
        name
        for name, path in FILES.items()
        if any(found == package or found.startswith(f"{package}.") for found in _imports(path) for package in packages)
    }


def test_the_graph_sees_what_is_there() -> None:
    assert "restore.rollback" in GRAPH["migrate.run"]
    assert "errors" in GRAPH["preflight.checks.standby"]
    assert {"arguments", "jobs.backup"} <= GRAPH["guarded.pg_backup"]


def _attributes(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)}


def test_only_one_file_exits_or_fails() -> None:
    found = {name for name, path in FILES.items() if _attributes(path) & {"exit_json", "fail_json"}}
    assert found == {"ports.module"}


def test_the_action_plugins_share_one_run() -> None:
    actions = {name: path for name, path in FILES.items() if name.split(".")[0] in {"action", "plugin_utils"}}
    runs = {name for name, path in actions.items() for node in ast.walk(_tree(path)) if _is_run_of_action(node)}
    assert runs == {"plugin_utils.action"}
    assert _who_imports("ansible.plugins.action") == {"plugin_utils.action"}


def _is_run_of_action(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and "task_vars" in [of.arg for of in node.args.args] and node.name == "run"


def test_only_one_file_runs_processes() -> None:
    assert _who_imports("subprocess") == {"ports.commands"}


def test_only_one_file_knows_psycopg2() -> None:
    assert _who_imports("psycopg2") == {"ports.database"}


def test_only_one_file_knows_pyrage() -> None:
    assert _who_imports("pyrage") == {"ports.age"}


def test_only_one_file_knows_boto3() -> None:
    assert _who_imports("boto3", "botocore") == {"ports.object_store"}


def test_only_one_file_of_the_target_knows_ansible() -> None:
    utils = {name for name, path in FILES.items() if UTILS in path.parents}
    modules = {name for name in FILES if name.startswith("modules.")}
    assert _who_imports("ansible") & (utils | modules) == {"ports.module"}


def test_below_the_modules_parameters_and_results_are_typed() -> None:
    """A dictionary of anything is what Ansible, libpq and Popen take."""
    found = {name for name in FILES if "dict[str, Any]" in FILES[name].read_text("utf-8")}
    above = ("modules.", "guarded.", "action.", "callback.", "plugin_utils.")
    ports = {"ports.module", "ports.commands", "ports.database"}
    below = {name for name in found if not name.startswith(above)}
    assert below == {"arguments", *ports}


def test_no_file_reaches_itself() -> None:
    assert [name for name in GRAPH if name in _reachable(name)] == []


def test_imports_inside_the_collection_are_relative() -> None:
    assert {name for name, path in FILES.items() if PREFIX in path.read_text(encoding="utf-8")} == set()


def test_no_file_gives_one_name_twice() -> None:
    """The second one would silently replace the first."""
    found = {name: repeated for name, path in FILES.items() if (repeated := _given_twice(_tree(path)))}
    assert found == {}


def _given_twice(tree: ast.Module) -> set[str]:
    given = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    given += [target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)]
    return {name for name in given if given.count(name) > 1}


def test_imports_point_down_the_levels() -> None:
    assert rooms.upward(rooms.imports(UTILS)) == []


def test_an_import_that_points_up_is_found(tmp_path: Path) -> None:
    shutil.copytree(UTILS, tmp_path / "module_utils")
    entry = tmp_path / "module_utils" / "journal" / "entry.py"
    entry.write_text(f"{entry.read_text()}\n\nfrom ..restore import recover\n", encoding="utf-8")
    assert rooms.upward(rooms.imports(tmp_path / "module_utils")) == [("journal.entry", "restore.recover")]


def test_every_package_has_its_level() -> None:
    assert {path.parent.name for path in UTILS.glob("*/__init__.py")} | {""} == set(rooms.LEVELS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_below_knows_a_module_an_action_or_a_callback(name: str) -> None:
    edges = {found for found in GRAPH[name] if found.split(".")[0] in {"modules", "action", "callback"}}
    assert edges == set()


def test_errors_and_types_know_nobody() -> None:
    assert {name: GRAPH[name] for name in GROUND} == {"errors": {"foreign_text"}, "foreign_text": set(), "model": set()}


@pytest.mark.parametrize("name", sorted(PORTS))
def test_a_port_knows_errors_types_and_signals_alone(name: str) -> None:
    assert GRAPH[name] <= GROUND | {"ports.signals"}
    assert GRAPH["ports.signals"] <= GROUND


@pytest.mark.parametrize("name", sorted(name for name in GRAPH if name.startswith("preflight.checks.")))
def test_a_check_reads_facts_and_nothing_else(name: str) -> None:
    if name == "preflight.checks.registry":
        assert all(found.startswith("preflight.checks.") for found in GRAPH[name])
    elif name == "preflight.checks.check":
        assert GRAPH[name] == {"errors", "model", "postgres.wal", "prediction"}
    else:
        assert GRAPH[name] <= {"preflight.checks.check", "errors", "model", "text", "names", "playbooks", "prediction"}


EDGES_OF_RESTORE_CHECKS = {"preflight.restore_checks.gather", "preflight.restore_checks.run"}


@pytest.mark.parametrize("name", sorted(name for name in GRAPH if name.startswith("preflight.restore_checks.")))
def test_a_check_before_a_restore_reads_facts_and_nothing_else(name: str) -> None:
    if name == "preflight.restore_checks.registry":
        assert all(found.startswith(("preflight.restore_checks.", "preflight.checks.")) for found in GRAPH[name])
    elif name == "preflight.restore_checks.check":
        assert GRAPH[name] == {"preflight.checks.check", "errors", "backup_set.manifest"}
    elif name not in EDGES_OF_RESTORE_CHECKS:
        assert GRAPH[name] <= {"preflight.restore_checks.check", "errors", "text", "names"}


def test_only_modules_jobs_and_verbs_know_a_verb() -> None:
    edges = {(name, found) for name in GRAPH for found in GRAPH[name] & (VERBS - {"audit.run"})}
    above = {name for name, _found in edges if name not in {*MODULES, *VERBS}}
    # The window of tasks foretells what a migration would do, as its module does.
    assert {name for name in above if not name.startswith("jobs.")} == {"guard.window"}


def test_a_guard_imports_no_job_but_the_recovery_which_it_may_have_to_do_itself() -> None:
    """Imports are half of what a short run costs on its target."""
    jobs = {f"jobs.{name}" for name in registry.JOBS}
    assert _reachable("guard.entry") & jobs == {"jobs.recover"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_knows_no_port(name: str) -> None:
    assert GRAPH[name] & (PORTS | {"postgres.queries", "postgres.pg_tools"}) == set()


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_every_init_is_empty(path: Path) -> None:
    assert path.read_bytes() == b""


# put /dev/null in the place of a terminal that is gone, and a question on one that is there
NOWHERE = {"plugin_utils.shield", "plugin_utils.terminals"}


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(owner, ast.Name) and owner.id in {"files", "tarfile"}:
        return False  # through the port, or in memory
    if called in {"write_text", "write_bytes", "touch", "rename", "replace_with", "symlink_to", "unlink", "rmtree"}:
        return True
    given = [*node.args, *(word.value for word in node.keywords)]
    modes = [value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    if called == "open":
        return any(set(mode) <= set("rwxabt+") and set(mode) & set("wxa+") for mode in modes) or _creates(node)
    return False


def _creates(node: ast.Call) -> bool:
    """Whether os.open is asked to make a file or to write to it."""
    names = {found.attr for argument in node.args for found in ast.walk(argument) if isinstance(found, ast.Attribute)}
    return bool(names & {"O_CREAT", "O_WRONLY", "O_RDWR", "O_APPEND"})


def test_only_one_file_writes_files() -> None:
    found = {name for name, path in FILES.items() if any(_writes(node) for node in ast.walk(_tree(path)))}
    # bytecode is imported before everything else, and what it writes may be lost
    assert found - NOWHERE == {"ports.files", "bytecode"}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(_tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = {node.name: length for node in functions if (length := (node.end_lineno or 0) - node.lineno + 1) > 40}
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_nothing_is_swallowed_below_main(path: Path) -> None:
    """``except Exception`` and ``except:`` hide what nobody thought of; BaseException only to clean up and go on."""
    tree = _tree(path)
    raising = _raising(tree)
    for handler in [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]:
        caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"all"}
        assert not caught & {"all", "Exception"}
        if "BaseException" in caught:
            assert any(isinstance(node, ast.Raise) or _called(node) in raising for node in ast.walk(handler))


def _called(node: ast.AST) -> str:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _raising(tree: ast.Module) -> set[str]:
    """The functions that never return."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if isinstance(node.returns, ast.Name) and node.returns.id == "NoReturn"}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_command_goes_through_a_shell(path: Path) -> None:
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    assert not [call for call in calls for word in call.keywords if word.arg == "shell"]
    assert not [
        call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in {"system", "popen"}
    ]


def _yaml(path: str) -> Any:
    return yaml.safe_load((COLLECTION / path).read_text(encoding="utf-8"))


def test_the_action_group_lists_every_module_with_a_connection() -> None:
    connected = {
        name.rpartition(".")[2]
        for name in MODULES
        if f"{PREFIX}module_utils.arguments.CONNECTION" in _imports(FILES[name])
    }
    assert len(connected) >= 6
    assert sorted(_yaml("meta/runtime.yml")["action_groups"]["all"]) == sorted(connected)


def test_every_file_of_the_plugins_that_is_tested_here_still_exists() -> None:
    tests = list((COLLECTION / "tests" / "unit" / "plugins").rglob("test_*.py"))
    mirrored = {
        path.relative_to(COLLECTION / "tests" / "unit" / "plugins").with_name(path.name.removeprefix("test_"))
        for path in tests
        if path.name != "test_all_modules.py"
    }
    assert {str(path) for path in mirrored if not (PLUGINS / path).exists()} == set()
