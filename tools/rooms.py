"""The packages of plugins/module_utils, their levels, and who imports whom: the picture in ARCHITECTURE.md.

A package imports from the levels below its own. Imports for the type checker alone do not count.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

PREFIX = "ansible_collections.pgsafe.migration.plugins.module_utils"

# From the top to the bottom; the last one is module_utils itself.
LEVELS = {
    "guarded": "the modules whose work a guard does, shipped as one: their options, and the orders made of them",
    "guard": "the processes on the target that outlive the controller, and how the controller speaks to them",
    "jobs": "a verb as a job: from parameters to a result, without Ansible",
    "console": "the lines for people, by what they are about; a module ships those that it prints",
    "tables": "single tables and rows of a backup",
    "migrate": "the window of a migration; `migrate/verification/` is what it is verified by",
    "promotion": "what a run proves for other environments: its record, and what is pending judged by records",
    "backup": "taking a backup",
    "restore": "restore, rollback, and the recovery of runs without a process",
    "retention": "which backups there are, which of them are removed, and their removal",
    "preflight": "facts, and the checks that look at them, before a migration and before a restore",
    "verify": "the proof of a backup, a level a file, and the temporary instance of a proof",
    "fence": "keeping others from writing; where the database of a run is now, and who may use it",
    "audit": "the rules that look at the data",
    "copies": "restored copies beside the database, and what they lose",
    "journal": "what a run has done: events, state, verdicts, log, locks, and the record of applied files",
    "backup_set": "the files of a backup and its manifest",
    "compare": "what two databases are compared by",
    "postgres": "SQL by name, client programs, settings and facts of a server",
    "ports": "the only runner of processes, writer of files, and importers of psycopg2, boto3, pyrage and Ansible",
    "": "errors, types, names, texts, option groups",
}

_ORDER = list(LEVELS)


def imports(utilities: Path) -> dict[str, set[str]]:
    """By file, the files that it imports, such as ``fence.mark``."""
    files = {_name(path.relative_to(utilities)): path for path in utilities.rglob("*.py") if path.stem != "__init__"}
    return {name: set(_imported(path, name, files)) - {name} for name, path in sorted(files.items())}


def source(node: ast.ImportFrom, importer: str) -> str:
    """The full name of what a file imports from.

    :param importer: the full name of the file
    """
    relative = "." * node.level + (node.module or "")
    return importlib.util.resolve_name(relative, importer.rpartition(".")[0])


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


def _imported(path: Path, importer: str, files: Mapping[str, Path]) -> Iterator[str]:
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = f"{source(node, f'{PREFIX}.{importer}')}.".removeprefix(f"{PREFIX}.").rstrip(".")
            names = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
            yield from (name if name in files else base for name in names if {name, base} & set(files))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield child
            yield from _running(child)


def package(name: str) -> str:
    """The package of a file; empty for one of module_utils itself."""
    return name.partition(".")[0] if "." in name else ""


def upward(found: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports that do not point down, each as importer and imported."""
    pairs = [(name, other) for name, others in found.items() for other in sorted(others)]
    return [(a, b) for a, b in pairs if package(a) != package(b) and _level(a) >= _level(b)]


def _level(name: str) -> int:
    return _ORDER.index(package(name))


def picture(utilities: Path) -> str:
    """A line for each package: what it is for, how many files it has, and the packages that it imports."""
    found = imports(utilities)
    rows = ["| level | package | files | what it is | imports |", "| --- | --- | --- | --- | --- |"]
    for level, (name, purpose) in enumerate(LEVELS.items(), start=1):
        own = [file for file in found if package(file) == name]
        used = {package(other) for file in own for other in found[file]} - {name, ""}
        shown = ", ".join(f"`{other}`" for other in _ORDER if other in used)
        title = f"`{name}/`" if name else "(root)"
        rows.append(f"| {level} | {title} | {len(own)} | {purpose} | {shown or 'nothing'} |")
    return "\n".join(rows)


def on_servers(plugins: Path, unit: Path) -> str:
    """A line for each directory with the files that have no unit test of their name."""
    found: dict[str, list[str]] = {}
    for path in sorted(plugins.rglob("*.py")):
        place = path.parent.relative_to(plugins)
        if path.stem != "__init__" and not (unit / place / f"test_{path.name}").exists():
            found.setdefault(str(place), []).append(f"`{path.stem}`")
    lines = [f"| `{place}/` | {', '.join(names)} |" for place, names in found.items()]
    return "\n".join(["| directory | files |", "| --- | --- |", *lines])
