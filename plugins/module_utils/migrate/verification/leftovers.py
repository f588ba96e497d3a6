# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a migration tends to leave behind: sequences behind their column, tables without statistics, old tables kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...compare.catalog.sql import RELATION, not_an_extensions, of_users
from ...names import quoted
from ...ports.database import Session, identifier, statement

# Sequences that a column owns or is the identity of; the purpose of the rest is unknown.
_OWNED = f"""
SELECT n.nspname, s.relname, t.relname, tn.nspname, a.attname, q.seqincrement > 0
  FROM pg_sequence q JOIN pg_class s ON s.oid = q.seqrelid JOIN pg_namespace n ON n.oid = s.relnamespace
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
   AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  JOIN pg_class t ON t.oid = d.refobjid AND t.relpersistence <> 't' JOIN pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
 WHERE {of_users()} AND NOT q.seqcycle AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
 ORDER BY 1, 2
"""

# A virtual column has no statistics of its own; a column with the target 0 is meant to have none.
_UNANALYSED = f"""
SELECT n.nspname || '.' || c.relname, {RELATION}
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND {of_users()} AND {not_an_extensions("c", "pg_class")}
   AND EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
                  AND COALESCE(a.attstattarget, -1) <> 0
                  AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname
                                     AND s.attname = a.attname))
 ORDER BY 1
"""

_KEPT = f"""
SELECT n.nspname || '.' || c.relname, {RELATION},
       (SELECT COALESCE(sum(pg_total_relation_size(t.relid)), 0)::bigint FROM pg_partition_tree(c.oid) t)
       + CASE c.relkind WHEN 'r' THEN pg_total_relation_size(c.oid) ELSE 0 END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND c.relname LIKE '%%\\_old' AND {of_users()} AND {not_an_extensions("c", "pg_class")}
 ORDER BY 1
"""


@dataclass(frozen=True)
class BehindSequence:
    """
    :param sequence: the label; ``table`` and ``column`` are of what it numbers.
    :param reached: what the column has reached.
    :param next: what the sequence gives next.
    """

    sequence: str
    table: str
    column: str
    reached: int
    next: int
    statement: str

    @property
    def key(self) -> str:
        return f"sequence {self.sequence}"

    @property
    def what(self) -> str:
        return (
            f"The next value of the sequence {self.sequence} is {self.next:,}, but the column {self.column} of "
            f"{self.table} has already reached {self.reached:,}."
        )


@dataclass(frozen=True)
class Unanalysed:
    """A table with a column of which the planner knows nothing."""

    table: str
    statement: str


@dataclass(frozen=True)
class KeptTable:
    """:param bytes: with its indexes and what is stored out of line.
    :param statement: drops it.
    """

    table: str
    bytes: int
    statement: str


def sequences_behind(session: Session) -> Iterator[BehindSequence]:
    """Sequences whose next value the column has, or has passed, already."""
    for schema, name, table, of_schema, column, rising in session.rows(_OWNED):
        highest = "max" if rising else "min"
        query = statement(
            f"SELECT (SELECT {highest}({{column}}) FROM {{table}}),"
            " s.last_value + CASE WHEN s.is_called THEN q.seqincrement ELSE 0 END"
            " FROM {sequence} AS s, pg_catalog.pg_sequence AS q WHERE q.seqrelid = s.tableoid",
            column=identifier(column),
            table=identifier(of_schema, table),
            sequence=identifier(schema, name),
        )
        with session.giving_back_locks():
            reached, following = session.row(query)
        if reached is not None and (following <= reached if rising else following >= reached):
            yield BehindSequence(
                f"{schema}.{name}", f"{of_schema}.{table}", column, reached, following, _set(schema, name, reached)
            )


def _set(schema: str, name: str, reached: int) -> str:
    """https://www.postgresql.org/docs/current/functions-sequence.html"""
    text = f"{quoted(schema)}.{quoted(name)}".replace("'", "''")
    return f"SELECT pg_catalog.setval('{text}', {reached});"


def unanalysed(session: Session) -> tuple[Unanalysed, ...]:
    """Every table that lacks statistics, also those that never had any."""
    return tuple(Unanalysed(label, f"ANALYZE {name};") for label, name in session.rows(_UNANALYSED))


def kept_tables(session: Session) -> tuple[KeptTable, ...]:
    """The tables that this migration or an earlier one has kept."""
    return tuple(KeptTable(label, int(size), f"DROP TABLE {name};") for label, name, size in session.rows(_KEPT))
