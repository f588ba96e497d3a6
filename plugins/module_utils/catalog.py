# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of the catalogs that a migration may change, each object by name with its definition.

A dump and a restore change the text of an untouched definition (casts move, parentheses come and go), so expressions
are compared in a form without either. https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.pgsafe.migration.plugins.module_utils.catalog_queries import QUERIES
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.expressions import plain

# What two databases may differ in without being different; shown, not compared.
INFORMATION = frozenset({"extension version", "invalid index"})

# Kinds whose definition is an expression that a restore writes anew.
_EXPRESSIONS = frozenset({"column", "constraint", "index", "policy", "relation", "rule", "trigger", "type"})


def read(session: Session) -> dict[str, dict[str, str]]:
    """Every object by kind and name, with its definition as it is compared.

    :raises QueryFailed: a catalog cannot be read.
    """
    found: dict[str, dict[str, str]] = {}
    for kind, query in QUERIES.items():
        clean = plain if kind in _EXPRESSIONS else str
        found[kind] = {name: clean(definition) for name, definition in session.rows(query)}
    return found


def differences(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What differs, a readable line each; information is left out."""
    for kind in sorted((set(before) | set(after)) - INFORMATION):
        yield from _of_kind(kind, before.get(kind, {}), after.get(kind, {}))


def _of_kind(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name), after.get(name)
        if new is None:
            yield f"{kind} {name} is missing"
        elif old is None:
            yield f"{kind} {name} was not there before"
        elif old != new:
            yield f"{kind} {name} is other than before: {_apart(old, new)}"


def _apart(old: str, new: str) -> str:
    """Both texts from a little before the place where they part."""
    at = next((place for place, (one, other) in enumerate(zip(old, new)) if one != other), min(len(old), len(new)))
    start = max(0, at - 20)
    return f"{_cut(new, start)} instead of {_cut(old, start)}"


def _cut(text: str, start: int) -> str:
    part = text[start : start + 80]
    return f"{'…' if start else ''}{part}{'…' if start + 80 < len(text) else ''}" or "nothing"
