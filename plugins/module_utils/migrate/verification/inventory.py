# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which objects a migration has added, removed and changed, and which of that may be unintended harm."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ... import names
from ...compare.catalog import facts as catalog
from ...compare.catalog.facts import Change
from ...model import Catalog, Facts

ADDED, REMOVED, CHANGED = HOW = ("added", "removed", "changed")

# Each follows from the columns, which are reported.
_UNTOLD = frozenset({"column order", "inherited column order", "not null constraint"})

# What protects or speeds up data, and is missed only later.
_MISSED = ("constraint", "index", "trigger")

_UNENFORCED = "disabled foreign key"

_LAST_PART = re.compile(r'\.("(?:[^"]|"")*"|[^".]+)$')
_TABLE_OF_INDEX = re.compile(r" ON (?:ONLY )?(.+?) USING ")
_NAME_OF_INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX .+? ON ")


@dataclass(frozen=True)
class ObjectChange:
    """
    :param name: as it is written in SQL.
    :param how: one of :data:`HOW`.
    :param facts: the names of the facts that are other than before; their texts may hold secrets.
    """

    kind: str
    name: str
    how: str
    facts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What a person declares it by, such as ``index public.members_name``."""
        return f"{self.kind} {self.name}"


def compared(before: Catalog, after: Catalog, *, exact: bool) -> tuple[Change, ...]:
    """
    :param exact: the database is the one that was backed up, and not a copy that was restored.
    """
    found = [change for change in catalog.changes(before, after, exact=exact) if change.kind not in _UNTOLD]
    if not exact:
        # A restore enables all of them again.
        found += catalog.changes({}, {_UNENFORCED: after.get(_UNENFORCED, {})}, exact=True)
    return tuple(found)


def told(changes: Iterable[Change]) -> tuple[ObjectChange, ...]:
    """For the report."""
    return tuple(_told(change) for change in changes)


def _told(change: Change) -> ObjectChange:
    if change.before is None:
        return ObjectChange(change.kind, change.name, ADDED)
    if change.after is None:
        return ObjectChange(change.kind, change.name, REMOVED)
    return ObjectChange(change.kind, change.name, CHANGED, tuple(_unlike(change.before, change.after)))


def _unlike(before: Facts, after: Facts) -> list[str]:
    return [fact for fact in sorted({**before, **after}) if before.get(fact) != after.get(fact)]


def missed(changes: Iterable[Change], after: Catalog) -> Iterator[ObjectChange]:
    """Indexes, constraints and triggers that are gone though their table is there, and nothing alike came instead."""
    listed = [change for change in changes if change.kind in _MISSED]
    came = {_likeness(change.kind, change.name, change.after) for change in listed if change.before is None}
    for change in listed:
        if change.before is None or change.after is not None:
            continue
        renamed = _likeness(change.kind, change.name, change.before) in came
        if not renamed and _table(change, change.before) in after.get("relation", {}):
            yield _told(change)


def owner(name: str) -> str:
    """The relation of a column, constraint or trigger, as it is written in SQL."""
    return _LAST_PART.sub("", name)


def _table(change: Change, facts: Facts) -> str:
    """Of a constraint or trigger it is in the name, and of an index in the definition."""
    if change.kind != "index":
        return owner(change.name)
    found = _TABLE_OF_INDEX.search(facts.get("definition", ""))
    return found.group(1) if found else ""


def _likeness(kind: str, name: str, facts: Facts | None) -> tuple[str, str, str]:
    """What two objects have in common of which one is the other under a new name."""
    definition = (facts or {}).get("definition", "")
    if kind == "index":
        return kind, "", _NAME_OF_INDEX.sub(r"\1 ", definition)
    table = owner(name)
    if kind == "trigger":
        definition = definition.replace(f"TRIGGER {name[len(table) + 1 :]} ", "TRIGGER ", 1)
    return kind, table, definition


def disabled(changes: Iterable[Change], before: Catalog) -> Iterator[str]:
    """Keys of the triggers, event triggers and foreign keys that do not act any more."""
    for change in changes:
        if change.after is None:
            continue
        if change.kind in ("trigger", "event trigger") and _asleep(change.after) and not _asleep(change.before or {}):
            yield f"{change.kind} {change.name}"
        if change.kind == _UNENFORCED and _unenforced(change.after):
            was = change.before or before.get(_UNENFORCED, {}).get(names.before_kept(change.name), {})
            if not _unenforced(was):
                yield f"foreign key {change.name}"


def _asleep(facts: Mapping[str, str]) -> bool:
    """Fired never, or by replication alone."""
    return facts.get("enabled") in ("no", "replica")


def _unenforced(facts: Mapping[str, str]) -> bool:
    """Each of its triggers is listed with the letter of pg_trigger.tgenabled."""
    return any(trigger.endswith((" D", " R")) for trigger in facts.get("triggers", "").split(", "))
