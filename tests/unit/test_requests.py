# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parameters of a module become a request once, and a default stands in the specification alone."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import AuditRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.request import BackupRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.store_verify import StoreVerifyRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence.run import FenceRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.status import StatusRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import MigrateRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.run import PreflightRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import RecoverRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.run import RestoreRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.tables.extract import ExtractRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.tables.recover import TableRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.lone_archive import ArchiveRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.run import VerifyRequest
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

PLUGINS = COLLECTION / "plugins"
UTILS = PLUGINS / "module_utils"
PACKAGE = arguments.__name__.rpartition(".")[0]
FILES = {
    ".".join(path.relative_to(UTILS).with_suffix("").parts): path
    for path in sorted(UTILS.rglob("*.py"))
    # those of guarded/ are modules
    if path.stem != "__init__" and path.parent.name != "guarded"
}

# What a request has beside options, and what only tests set otherwise.
BESIDE = {VerifyRequest: {"record", "stall_limit"}, ArchiveRequest: {"stall_limit"}}
REQUESTS = (
    ArchiveRequest,
    AuditRequest,
    BackupRequest,
    ExtractRequest,
    FenceRequest,
    MigrateRequest,
    PreflightRequest,
    RecoverRequest,
    RestoreRequest,
    StatusRequest,
    StoreVerifyRequest,
    TableRequest,
    VerifyRequest,
)

# A temporary instance and the client tools have a target too, of no task's options.
BEYOND = {"Target(maintenance_db='postgres')", "Target.__init__(maintenance_db='postgres')"}

# Whose functions take parameters of a module, or a part of them, and return something typed.
CONVERSIONS = {
    "arguments",
    "audit.own_rule",
    "audit.report",
    "migrate.verification.assertions",
    "migrate.verification.expectations",
    "migrate.verification.result",
    "ports.module",
    "promotion.policy",
}

# Whose functions take a dictionary of anything, and what it is.
LOOSE = {
    "a result of a module": {"guard.channel", "guard.supervised_job"},
    "facts of a journal": {
        "prediction",
        "backup.copy_source",
        "backup.fetch_source",
        "backup_set.claim",
        "fence.counters",
        "fence.verdict_counters",
        "guard.progress",
        "guard.status",
        "journal.entry",
        "journal.log",
        "journal.state",
    },
    "a promotion record": {"promotion.record"},
    "a manifest, or a part of it": {"backup_set.manifest", "backup_set.manifest_shape", "text"},
    "values of a query": {"ports.database", "postgres.properties"},
}


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda found: str(found.__name__))
def test_no_option_of_a_request_has_a_default(request_type: Any) -> None:
    given = {
        field.name
        for field in fields(request_type)
        if field.default is not MISSING or field.default_factory is not MISSING
    }
    assert given == BESIDE.get(request_type, set())


@cache
def _specified() -> dict[str, list[Any]]:
    """The defaults of every option by its name, without those that say nothing."""
    found: dict[str, list[Any]] = {}
    for path in (PLUGINS / "modules").glob("pg_*.py"):
        module = importlib.import_module(f"{PACKAGE.rpartition('.')[0]}.modules.{path.stem}")
        for name, default in arguments.defaults(getattr(module, "SPEC", {})).items():
            if default not in (None, "", False, [], {}):
                found.setdefault(name, []).append(default)
    return found


def _signatures(module: ModuleType) -> Iterator[tuple[str, inspect.Signature]]:
    own = [found for found in vars(module).values() if getattr(found, "__module__", "") == module.__name__]
    for found in own:
        members = [found, *(vars(found).values() if inspect.isclass(found) else ())]
        known = [member for member in members if inspect.isfunction(member) or inspect.isclass(member)]
        yield from ((member.__qualname__, _signature(member)) for member in known)


def _signature(member: Any) -> inspect.Signature:
    try:
        return inspect.signature(member)
    except (TypeError, ValueError):
        return inspect.Signature()


def repeated(module: ModuleType) -> list[str]:
    """The parameters whose default is that of the option of the same name."""
    specified = _specified()
    return [
        f"{name}({parameter.name}={parameter.default!r})"
        for name, signature in _signatures(module)
        for parameter in signature.parameters.values()
        if any(_same(parameter.default, default) for default in specified.get(parameter.name, ()))
    ]


def _same(one: Any, other: Any) -> bool:
    return (list(one) if isinstance(one, tuple) else one) == other and one is not False


def test_the_default_of_an_option_stands_in_its_specification_alone() -> None:
    found = {name: repeated(importlib.import_module(f"{PACKAGE}.{name}")) for name in set(FILES) - {"arguments"}}
    assert {entry for entries in found.values() for entry in entries} == BEYOND


def test_a_default_that_is_repeated_is_found() -> None:
    def read(table: str, jobs: int = 2) -> tuple[str, int]:
        return table, jobs

    example = ModuleType(read.__module__)
    vars(example)["read"] = read
    assert [found.rpartition(".")[2] for found in repeated(example)] == ["read(jobs=2)"]


def _parameters(name: str) -> Iterator[str]:
    """The functions of a file that take parameters of a module as a dictionary."""
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            taken = {of.arg.strip("_") for of in (*node.args.args, *node.args.kwonlyargs)}
            yield from [node.name] if taken & {"params", "module_args"} else []


def test_nothing_below_the_modules_takes_the_parameters_of_a_module() -> None:
    assert {name: list(_parameters(name)) for name in set(FILES) - CONVERSIONS if list(_parameters(name))} == {}


def _is_loose(node: ast.AST) -> bool:
    """Whether it takes, or keeps, a dictionary of anything."""
    found = [node.annotation] if isinstance(node, ast.AnnAssign) else []
    if isinstance(node, ast.FunctionDef):
        found = [of.annotation for of in (*node.args.args, *node.args.kwonlyargs) if of.annotation]
    return any("dict[str, Any]" in text or "Mapping[str, Any]" in text for text in map(ast.unparse, found))


def _signs(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from (member for member in node.body if isinstance(member, ast.AnnAssign))


def test_a_dictionary_of_anything_is_json_that_a_file_or_ansible_takes() -> None:
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
    found = {name for name, tree in trees.items() if any(map(_is_loose, _signs(tree)))}
    assert found - CONVERSIONS == set().union(*LOOSE.values())
