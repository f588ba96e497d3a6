# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of the catalogs that a migration may change, each object by name.

What is stored is the server's own text. Between a database and its restored copy some of it differs though nothing
has changed (casts move, parentheses come and go), so there expressions are compared as :mod:`expressions` writes them.
https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ... import names
from ...model import Catalog, Facts
from ...ports.database import Session
from ..expressions import plain
from .beyond import NOT_DUMPED
from .queries import KINDS

# What a dump does not carry, or a restore decides anew: a database and its copy may differ in it.
NOT_RESTORED = frozenset(
    {
        *NOT_DUMPED,
        "disabled foreign key",
        "extension version",
        "inherited column order",
        "invalid index",
        "not null constraint",
        "shell operator",
        "subscription",
    }
)

# Facts that are expressions, and that a restore may write anew.
_EXPRESSIONS = frozenset(
    {"arguments", "check", "default", "definition", "partition bound", "partition key", "sql body", "using", "where"}
)

# Kinds whose names begin with the relation that they belong to.
_OF_RELATIONS = frozenset(
    {
        "column",
        "column order",
        "constraint",
        "inherited column order",
        "not null constraint",
        "policy",
        "rule",
        "trigger",
    }
)


@dataclass(frozen=True)
class Change:
    """An object that came, went, or has other facts.

    :param before: None when it was not there.
    :param after: None when it is not there.
    """

    kind: str
    name: str
    before: Facts | None
    after: Facts | None


def read(session: Session) -> dict[str, dict[str, Facts]]:
    """Every object by kind and name, with its facts as the server writes them.

    :raises QueryFailed: a catalog cannot be read.
    """
    version = session.version
    return {kind: dict(session.rows(of.query(version))) for kind, of in KINDS.items() if version >= of.since}


def as_restored(of: Catalog) -> Catalog:
    """Without what a restore leaves out, and with expressions as it cannot change them."""
    return {
        kind: {name: {fact: _settled(fact, text) for fact, text in facts.items()} for name, facts in objects.items()}
        for kind, objects in of.items()
        if kind not in NOT_RESTORED
    }


def _settled(fact: str, text: str) -> str:
    return plain(text) if fact in _EXPRESSIONS else text


def differences(before: Catalog, after: Catalog, *, exact: bool) -> Iterator[str]:
    """What differs, a readable line each.

    :param exact: both are of one generation, so that every text counts as it is.
    """
    if not exact:
        before, after = as_restored(before), as_restored(after)
    for kind in sorted(set(before) | set(after)):
        yield from _of_kind(kind, before, after)


def not_restored(before: Catalog, after: Catalog) -> Iterator[str]:
    """What differs and is no difference between a database and its copy; for people to know."""
    for kind in sorted(NOT_RESTORED):
        yield from _of_kind(kind, before, after)


def changes(before: Catalog, after: Catalog, *, exact: bool) -> Iterator[Change]:
    """What differs, object by object; what belongs to a relation that came or went is not named.

    :param exact: as in :func:`differences`.
    """
    if not exact:
        before, after = as_restored(before), as_restored(after)
    for kind in sorted(set(before) | set(after)):
        yield from _changes_of_kind(kind, before, after)


def _of_kind(kind: str, before: Catalog, after: Catalog) -> Iterator[str]:
    for change in _changes_of_kind(kind, before, after):
        if change.before is None or change.after is None:
            yield f"{kind} {change.name} {'is missing' if change.after is None else 'was not there before'}"
        else:
            yield f"{kind} {change.name} is other than before: {'; '.join(_changes(change.before, change.after))}"


def _changes_of_kind(kind: str, before: Catalog, after: Catalog) -> Iterator[Change]:
    old, new = before.get(kind, {}), after.get(kind, {})
    said = _relations_that_came_or_went(before, after) if kind in _OF_RELATIONS else frozenset()
    for name in sorted(set(old) | set(new)):
        if name in old and name in new:
            if old[name] != new[name]:
                yield Change(kind, name, old[name], new[name])
        elif not _belongs(name, said):
            yield Change(kind, name, old.get(name), new.get(name))


def _relations_that_came_or_went(before: Catalog, after: Catalog) -> frozenset[str]:
    return frozenset(set(before.get("relation", {})) ^ set(after.get("relation", {})))


def _belongs(name: str, relations: frozenset[str]) -> bool:
    """What belongs to a relation that is said to be missing or new is not said again."""
    return any(name == relation or name.startswith(f"{relation}.") for relation in relations)


def quoted(label: str, of: Catalog) -> str:
    """The name of a relation in these facts, where names are quoted that have to be, by its plain label."""
    return next((name for name in of.get("relation", {}) if names.unquoted(name) == label), label)


def _changes(old: Facts, new: Facts) -> Iterator[str]:
    for fact in sorted(set(old) | set(new)):
        if old.get(fact) != new.get(fact):
            yield f"{fact} is {_apart(old.get(fact), new.get(fact))}"


def _apart(old: str | None, new: str | None) -> str:
    """Both texts from a little before the place where they part."""
    if old is None or new is None:
        return f"{_cut(new, 0)} instead of {_cut(old, 0)}"
    at = next((place for place, (one, other) in enumerate(zip(old, new)) if one != other), min(len(old), len(new)))
    start = at - 20 if at > 40 else 0
    return f"{_cut(new, start)} instead of {_cut(old, start)}"


def _cut(text: str | None, start: int) -> str:
    if text is None:
        return "not set"
    part = " ".join(text[start : start + 80].split())
    return f"{'…' if start else ''}{part}{'…' if start + 80 < len(text) else ''}" or "empty"
