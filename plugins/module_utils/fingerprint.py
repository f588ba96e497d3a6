# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What two databases are compared by: rows and content of every table, sequences, and the catalogs' facts.

The content of a table is an order-free hash: the sums, over its rows, of two seeded hashes of each row's text.
A sum keeps duplicates (an exclusive-or would cancel them), and the text of the columns in name order does not
depend on the order in which they were added. The settings that decide a value's text are pinned by every session
of :mod:`database`. Hash: https://www.postgresql.org/docs/current/functions-binarystring.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import catalog, queries
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session, identifier, joined, statement
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint, Table, TableState

# OFFSET 0 keeps the planner from writing the row's text out twice, once a seed.
_CONTENT = """
SELECT count(*),
       COALESCE(sum(pg_catalog.hashtextextended(r.t, 0)), 0)::text || ':' ||
       COALESCE(sum(pg_catalog.hashtextextended(r.t, 8675309)), 0)::text
  FROM (SELECT (ROW({columns})::text) COLLATE "C" AS t FROM {only} {table} OFFSET 0) AS r
"""


def take(session: Session) -> Fingerprint:
    """The fingerprint of the session's database, all of it in one snapshot.

    The caller holds the transaction (or accepts that others write meanwhile).

    :raises QueryFailed: a table cannot be read.
    """
    found = tables(session)
    return Fingerprint(
        tables={table.label: state(session, table) for table in found},
        sequences=sequences(session),
        catalog=catalog.read(session),
    )


def tables(session: Session) -> list[Table]:
    """The tables that count: partitioned ones once, partitions not; views and foreign tables hold no rows of theirs."""
    return [Table(*row) for row in session.rows(queries.TABLES)]


def state(session: Session, table: Table) -> TableState:
    """Rows and content of one table."""
    names = sorted(name for name, _generated in session.rows(queries.COLUMNS, (table.schema, table.name)))
    columns = [statement("{column}::pg_catalog.text", column=identifier(name)) for name in names]
    query = statement(
        _CONTENT,
        columns=joined(", ", columns),
        only=source_of(table),
        table=identifier(table.schema, table.name),
    )
    with session.giving_back_locks():
        rows, content = session.row(query)
    return TableState(rows, content)


def source_of(table: Table) -> Any:
    """A partitioned table stands for its partitions; any other for itself, not for those that inherit from it."""
    return statement("" if table.kind == "p" else "ONLY")


def row_counts(session: Session) -> dict[str, int]:
    """Rows by table label."""
    return {table.label: _rows(session, table) for table in tables(session)}


def _rows(session: Session, table: Table) -> int:
    query = statement(
        "SELECT count(*) FROM {only} {table}",
        only=source_of(table),
        table=identifier(table.schema, table.name),
    )
    with session.giving_back_locks():
        return int(session.value(query))


def sequences(session: Session) -> dict[str, str]:
    """Sequence states by label, such as ``42,t``."""
    return {f"{schema}.{name}": _sequence(session, schema, name) for schema, name in session.rows(queries.SEQUENCES)}


def _sequence(session: Session, schema: str, name: str) -> str:
    query = statement("SELECT last_value, is_called FROM {sequence}", sequence=identifier(schema, name))
    with session.giving_back_locks():
        last_value, is_called = session.row(query)
    return f"{last_value},{'t' if is_called else 'f'}"


def differences(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """What differs, one readable line each; empty when the two are equal."""
    return (
        *_table_differences(before.tables, after.tables),
        *_sequence_differences(before.sequences, after.sequences),
        *catalog.differences(before.catalog, after.catalog),
    )


def _table_differences(before: Mapping[str, TableState], after: Mapping[str, TableState]) -> Iterator[str]:
    for label in sorted(set(before) | set(after)):
        old, new = before.get(label), after.get(label)
        if old is None:
            yield f"table {label} was not there before"
        elif new is None:
            yield f"table {label} is missing ({old.rows:,} rows)"
        elif old.rows != new.rows:
            yield f"table {label} has {new.rows:,} rows instead of {old.rows:,}"
        elif old.content != new.content:
            yield f"table {label} has other content in its {old.rows:,} rows"


def _sequence_differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for label in sorted(set(before) | set(after)):
        old, new = before.get(label, "missing"), after.get(label, "missing")
        if old != new:
            yield f"sequence {label} is at {new} instead of {old}"
