# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The locks on tables for which others would wait who read or write: what they are called, and where they may be read.

Modes: https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..ports.database import Session
from . import queries

# Weaker ones keep nobody from reading, inserting, updating or deleting. From the strongest on.
MODES = {
    "AccessExclusiveLock": "ACCESS EXCLUSIVE",
    "ExclusiveLock": "EXCLUSIVE",
    "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
    "ShareLock": "SHARE",
}

# More of them are not reported; a migration may lock every partition of a table.
MOST = 1000


@dataclass(frozen=True)
class TableLock:
    """:param table: its label; of a partition the one of its partitioned table.
    :param mode: the strongest one, as ``LOCK TABLE`` names it.
    """

    table: str
    mode: str


def visible(reader: Session) -> bool:
    """Whether any role may read ``pg_locks``, as it is unless a site has revoked that from PUBLIC."""
    return bool(reader.value(queries.LOCKS_VISIBLE))


def labels(reader: Session) -> dict[int, str]:
    """The tables and materialized views there are, by OID."""
    return dict(reader.rows(queries.RELATION_LABELS))


def told(found: Iterable[str], known: Mapping[int, str]) -> tuple[TableLock, ...]:
    """
    :param found: words such as ``16384:AccessExclusiveLock``; others are left out.
    :param known: by OID, the tables that others could know; what is not among them is left out.
    """
    return tuple(sorted(_strongest(found, known), key=lambda lock: (list(MODES.values()).index(lock.mode), lock.table)))


def _strongest(found: Iterable[str], known: Mapping[int, str]) -> Iterator[TableLock]:
    modes, labels_of = list(MODES), {str(oid): label for oid, label in known.items()}
    held: dict[str, int] = {}
    for word in found:
        oid, _colon, mode = word.partition(":")
        label = labels_of.get(oid)
        if label and mode in MODES:
            held[label] = min(held.get(label, len(modes)), modes.index(mode))
    return (TableLock(label, MODES[modes[rank]]) for label, rank in held.items())
