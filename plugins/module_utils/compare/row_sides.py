# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of a table in the order of their keys: sorted by the server in one snapshot, a few at a time in memory here.

A key is compared by its text in the order of its bytes, so that no collation and no operator of the database counts.
The row's own output functions write the text, as in :mod:`contents`, and ``%L`` of format() writes a value as SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ports.database import Session, codec, identifier, joined, literal, statement
from ..postgres import queries
from . import contents

# Rows that a side holds in memory at a time.
_FETCHED = 500

# OFFSET 0 keeps the planner from writing the text of a row out twice; the hashes are sorted in its place.
_ROWS = """
DECLARE compared NO SCROLL CURSOR FOR
 SELECT r.k, {content}, r.v
   FROM (SELECT {key} AS k, {row} AS t, {values} AS v FROM ({parts}) AS p OFFSET 0) AS r ORDER BY r.k
"""
_TEXT = """(ROW({columns})::text) COLLATE "C\""""
_HASHED = "pg_catalog.hashtextextended(r.t, 0)::text || ':' || pg_catalog.hashtextextended(r.t, 8675309)::text"
_PART = "SELECT {columns} FROM ONLY {part}"


@dataclass(frozen=True)
class SideTable:
    """A table as one side has it.

    :param parts: the heaps that hold its rows, as schema and name.
    :param keys: the columns of each key that identifies a row, the primary key first.
    :param generated: columns that no statement writes.
    """

    schema: str
    name: str
    parts: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    generated: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Row:
    """
    :param order: the bytes that rows are sorted by.
    :param key: its text, such as ``(42)``.
    :param content: equal for equal rows.
    :param literals: the value of each column as SQL; none unless they were asked for.
    """

    order: bytes
    key: str
    content: str
    literals: tuple[str, ...]


def tables(reader: Session) -> dict[str, SideTable]:
    """The tables of a database by label, without foreign ones; a partitioned table is one table."""
    keys: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for schema, name, columns in reader.rows(queries.ROW_KEYS):
        keys.setdefault((schema, name), []).append(tuple(columns))
    parts: dict[str, list[contents.Part]] = {}
    for part in contents.parts(reader):
        parts.setdefault(part.table.label, []).append(part)
    return {label: _side(reader, found, keys) for label, found in sorted(parts.items())}


def _side(
    reader: Session, found: Sequence[contents.Part], keys: dict[tuple[str, str], list[tuple[str, ...]]]
) -> SideTable:
    table = found[0].table
    columns = reader.rows(queries.COLUMNS, (table.schema, table.name))
    return SideTable(
        table.schema,
        table.name,
        tuple((part.name.schema, part.name.name) for part in found),
        tuple(sorted(str(name) for name, _generated in columns)),
        tuple(keys.get((table.schema, table.name), ())),
        frozenset(str(name) for name, generated in columns if generated),
    )


def lock(reader: Session, found: Sequence[SideTable]) -> None:
    """Before the snapshot: a table that is rewritten behind it would look empty.

    https://www.postgresql.org/docs/current/mvcc-caveats.html

    :raises LockNotAvailable: another session holds one for longer than 30 s.
    """
    reader.execute("SET LOCAL lock_timeout = '30s'")
    for table in found:
        for part in table.parts:
            reader.execute(statement("LOCK TABLE ONLY {part} IN ACCESS SHARE MODE", part=identifier(*part)))


def rows(
    reader: Session, table: SideTable, columns: Sequence[str], key: Sequence[str], literals: bool
) -> Iterator[Row]:
    """Every row, by key; by the whole row where the key is empty.

    :raises QueryFailed: the table cannot be read.
    """
    encoding = codec(reader.encoding)
    reader.execute("SET LOCAL lc_monetary = 'C'")
    reader.execute(_query(table, columns, key, literals))
    while fetched := reader.rows(f"FETCH {_FETCHED} FROM compared"):
        for text, content, values in fetched:
            yield Row(text.encode(encoding), text, content or text, tuple(values or ()))
    reader.execute("CLOSE compared")


def _query(table: SideTable, columns: Sequence[str], key: Sequence[str], literals: bool) -> Any:
    listed = joined(", ", [identifier(name) for name in columns])
    parts = [statement(_PART, columns=listed, part=identifier(*part)) for part in table.parts]
    text = statement(_TEXT, columns=joined(", ", [identifier(name) for name in key or columns]))
    whole = statement(_TEXT, columns=listed)
    values = [statement("pg_catalog.format('%L', {column})", column=identifier(name)) for name in columns]
    return statement(
        _ROWS,
        key=text,
        row=whole if key else literal(None),
        content=statement(_HASHED) if key else literal(None),
        values=statement("ARRAY[{values}]", values=joined(", ", values)) if literals and key else literal(None),
        parts=joined(" UNION ALL ", parts),
    )
