# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables that clients truncate all the time: a backup reads them first, and locks them no longer than that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..backup_set import csv_files
from ..compare import fingerprint
from ..errors import Refused
from ..ports.database import Session
from ..postgres import queries
from ..postgres.ddl_watch import Changed
from ..text import first_few


@dataclass(frozen=True)
class Volatile:
    """:param labels: of the tables.
    :param tables: by schema and name, with their partitions.
    :param relations: those, and the sequences that belong to them.
    :param oids: of the relations.
    """

    labels: Collection[str] = ()
    tables: tuple[tuple[str, str], ...] = ()
    relations: tuple[tuple[str, str], ...] = ()
    oids: tuple[int, ...] = ()


NONE = Volatile()

# By OID of a relation, its name and file.
Files = Mapping[int, tuple[str, int]]


def look(reader: Session, patterns: Sequence[str]) -> Volatile:
    """The tables that match a pattern; a pattern need not match one.

    :raises Refused: TRUNCATE of one would wait for the whole backup all the same.
    """
    named = [table for table in fingerprint.tables(reader) if csv_files.chosen(table.label, patterns)]
    if not named:
        return NONE
    found = reader.rows(queries.VOLATILE, ([table.schema for table in named], [table.name for table in named]))
    relations = tuple((schema, name) for _oid, schema, name, _kind in found)
    tables = tuple((schema, name) for _oid, schema, name, kind in found if kind in "rp")
    volatile = Volatile({table.label for table in named}, tables, relations, tuple(oid for oid, *_name in found))
    _require_apart(reader, volatile)
    return volatile


def files(reader: Session, of: Volatile) -> Files:
    """Which files they have; a session that holds a snapshot sees those of now, too."""
    return {oid: (name, file) for oid, name, file in reader.rows(queries.FILES, (list(of.oids),))}


def require_unchanged(reader: Session, before: Files) -> None:
    """
    :raises Changed: one was truncated since.
    """
    now = {oid: file for oid, _name, file in reader.rows(queries.FILES, (list(before),))}
    changed = sorted(name for oid, (name, file) in before.items() if now.get(oid) != file)
    if changed:
        raise Changed(
            f"Volatile tables of {reader.target.dbname} were truncated before the backup had locked them: "
            f"{', '.join(changed)}.",
            remedy="Truncate them less often for the time of the backup, then run again.",
        )


def _require_apart(reader: Session, volatile: Volatile) -> None:
    tied = reader.rows(queries.TIED_TO_VOLATILE, {"volatile": list(volatile.oids)})
    if tied:
        raise Refused(
            "Volatile tables are truncated or locked together with others by foreign keys or inheritance: "
            f"{first_few([f'{table} with {other}' for other, table in tied])}.",
            remedy="Name the others in pg_migrate_backup.volatile_tables too, or leave these out of it.",
        )
