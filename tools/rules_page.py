"""Write the tables of checks, rules, stages and events in the documentation from the code's own words.

Preflight: preflight/checks, in the order of registry.py, with the severities that a file yields and the scopes that
its line in the registry has. Restore: preflight/restore_checks/registry.py, whose checks are in either directory.
Audit: audit/registry.py, with the name and the severity of each file's RULE. A docstring's first sentence is its line.
Stages and events: the table of transitions in journal/state.py, which is imported.

A page keeps its own text; what stands between the two marks is written anew. `--check` writes nothing, names the pages
that are stale, and then ends with the status 1.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rooms

CHECKOUT = Path(__file__).resolve().parent.parent
UTILS = "plugins/module_utils"
CHECKS = f"{UTILS}/preflight"
JOURNAL = "ansible_collections.pgsafe.migration.plugins.module_utils.journal"
BEGIN, END = "<!-- made by `make docs`{} -->", "<!-- end of what `make docs` makes -->"
SEVERITIES = ("error", "warning", "info")


class PageError(Exception):
    """A page has no marks, or a file of the code is not as the tables need it."""


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    name: str
    severities: tuple[str, ...]
    scopes: tuple[str, ...]
    text: str


def preflight(root: Path) -> str:
    """The table of the preflight's checks."""
    lines = [_check(root, name, scopes) for name, scopes in _listed(root / CHECKS / "checks" / "registry.py")]
    rows = [(f"`{line.name}`", ", ".join(line.severities), ", ".join(line.scopes), line.text) for line in lines]
    return _table(("check", "severity", "asked before a", "what it looks for"), rows)


def restore(root: Path) -> str:
    """The table of the checks before a restore of a certain backup."""
    lines = [_check(root, name, ()) for name, _scopes in _listed(root / CHECKS / "restore_checks" / "registry.py")]
    rows = [(f"`{line.name}`", ", ".join(line.severities), line.text) for line in lines]
    return _table(("check", "severity", "what it looks for"), rows)


def audit(root: Path) -> str:
    """The table of the audit's rules."""
    lines = [_rule(root / UTILS / "audit" / f"{name}.py") for name in _rules(root / UTILS / "audit" / "registry.py")]
    rows = [(f"`{line.name}`", ", ".join(line.severities), line.text) for line in lines]
    return _table(("rule", "severity", "what it looks for"), rows)


def states(_root: Path) -> str:
    """The two tables of ARCHITECTURE.md: the stages of a run, and the events of its journal."""
    module = importlib.import_module(f"{JOURNAL}.state")
    log = importlib.import_module(f"{JOURNAL}.log")
    stages = [_stage(module, stage) for stage in module.Stage]
    events = [
        (f"`{event}`", log.PHRASES[event][0].lower(), log.PHRASES[event][1], _allowed(module, places))
        for event, places in module.TRANSITIONS.items()
    ]
    heads = ("stage", "verdict", "left by", "a run that stops here ends", "and leaves behind")
    tables = (_table(heads, stages), _table(("event", "phase", "in the log", "allowed in"), events))
    return "\n\n".join(tables)


def _stage(module: Any, stage: Any) -> tuple[str, ...]:
    ended = module.Verdict.MIGRATED if stage is module.ENDED else None
    verdict = "its end" if ended else module.RunState(stage).verdict
    moves = {event: to[stage] for event, to in module.TRANSITIONS.items() if to.get(stage, stage) is not stage}
    left_by = ", ".join(f"`{event}` → {moves[event]}" for event in sorted(moves))
    return (str(stage), str(verdict).replace("_", " "), left_by, *INTERRUPTED[str(stage)])


def _allowed(module: Any, places: Any) -> str:
    missing = [str(stage) for stage in module.Stage if stage not in places]
    if not missing:
        return "every stage"
    return ", ".join(str(stage) for stage in places)


# How a run ends that is interrupted in a stage, and what that leaves behind.
INTERRUPTED = {
    "preparing": (
        "refused: the watchdog or the next run lifts the fence and removes an incomplete backup",
        "nothing, or a complete backup",
    ),
    "giving up": ("refused: the database is opened as soon as the server answers", "the backup"),
    "armed": (
        "rolled back, unless the database is still what the backup holds",
        "the failed database under its kept name, closed",
    ),
    "undoing": ("as armed", "as armed"),
    "held": (
        "by a person alone: rolled back or accepted",
        "the migrated database, closed, and the verified copy",
    ),
    "rolling back": ("rolled back: the rollback is repeated, as it looks at the server first", "as armed"),
    "rollback failed": (
        "rolled back while the fence stands; by a person once the database was opened",
        "the live database as the failed migration left it; the next preflight refuses",
    ),
    "restoring": ("by a person: the same command once more", "the database of before the command, or the restored one"),
    "accepted": ("with the accepted verdict: the database is opened, and not looked at", "as the verdict says"),
    "ended": ("as it has ended", "as the verdict says"),
}

# By page, its tables by their names in the marks; a page with one table has it without a name.
PAGES: dict[str, dict[str, Callable[[Path], str]]] = {
    "ARCHITECTURE.md": {
        " packages": lambda root: rooms.picture(root / UTILS),
        " tests": lambda root: rooms.on_servers(root / "plugins", root / "tests" / "unit" / "plugins"),
        " states": states,
    },
    "docs/preflight.md": {"": preflight},
    "docs/restore.md": {"": restore},
    "docs/audit.md": {"": audit},
}


def rendered(root: Path, page: str) -> str:
    """The whole page with its tables written anew.

    :raises PageError: it has no marks.
    """
    text = (root / page).read_text(encoding="utf-8")
    for name, table in PAGES[page].items():
        mark = BEGIN.format(name)
        before, begin, rest = text.partition(mark)
        _old, end, after = rest.partition(END)
        if not (begin and end):
            raise PageError(f"{page} lacks a line `{mark}` and, below it, a line `{END}`")
        text = f"{before}{mark}\n\n{table(root)}\n\n{END}{after}"
    return text


def stale(root: Path) -> list[str]:
    """The pages that differ from what the code says."""
    return [page for page in PAGES if (root / page).read_text(encoding="utf-8") != rendered(root, page)]


def sentence(docstring: str) -> str:
    """The first sentence, on one line."""
    text = " ".join(docstring.split())
    found = re.match(r".+?[.!?](?=\s|$)", text)
    return (found.group() if found else text).replace("|", "\\|")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """What a module assigns to a name, with or without a type."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return getattr(node, "value", None)
    return None


def _listed(registry: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The names of the checks of a registry, and the scopes where they are listed with some."""
    found = _assigned(_tree(registry), "CHECKS")
    for entry in getattr(found, "elts", []):
        parts: Sequence[ast.expr] = entry.args if isinstance(entry, ast.Call) else [entry]
        scopes = tuple(name.id.lower() for name in getattr(parts[1], "elts", [])) if len(parts) > 1 else ()
        yield _module(parts[0]), scopes


def _rules(registry: Path) -> list[str]:
    return [_module(entry) for entry in getattr(_assigned(_tree(registry), "RULES"), "elts", [])]


def _module(expression: ast.expr) -> str:
    """``standby`` of ``standby.check``."""
    if isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name):
        return expression.value.id
    raise PageError(f"a registry lists {ast.unparse(expression)}, which is no attribute of a module")


def _check(root: Path, name: str, scopes: tuple[str, ...]) -> Line:
    places = [root / CHECKS / family / f"{name}.py" for family in ("restore_checks", "checks")]
    own = places[0] if not scopes and places[0].exists() else places[1]
    tree = _tree(own)
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return Line(name, tuple(one for one in SEVERITIES if one in said), scopes, _text(tree, own))


def _rule(path: Path) -> Line:
    tree = _tree(path)
    rule = _assigned(tree, "RULE")
    given = {word.arg: word.value for word in rule.keywords} if isinstance(rule, ast.Call) else {}
    if not {"name", "severity"} <= set(given):
        raise PageError(f"{path.name} has no RULE with a name and a severity")
    return Line(_word(given["name"]), (_word(given["severity"]),), (), _text(tree, path))


def _word(expression: ast.expr) -> str:
    """A string, or what a constant of that name surely holds."""
    if isinstance(expression, ast.Constant):
        return str(expression.value)
    return ast.unparse(expression).rsplit(".", maxsplit=1)[-1].lower()


def _text(tree: ast.Module, path: Path) -> str:
    docstring = ast.get_docstring(tree)
    if not docstring:
        raise PageError(f"{path.name} has no docstring to be described by")
    return sentence(docstring)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Write the pages, or say which are stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    arguments = parser.parse_args()
    found = stale(CHECKOUT)
    for page in found:
        if not arguments.check:
            (CHECKOUT / page).write_text(rendered(CHECKOUT, page), encoding="utf-8")
        print(f"{page}: {'stale' if arguments.check else 'written'}")
    return 1 if found and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
