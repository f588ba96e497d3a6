# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schemas that nobody thought of, with rows: backed up, and restored without a difference from every format."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    by_archive,
    by_csv,
    by_script,
    connection,
    csv_differences,
    differences,
)
from ansible_collections.pgsafe.migration.tests.server.fingerprint_support import require_stable
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, databases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

import pgserver

_LETTERS = st.text(alphabet="abAZ_\"'é日🐘 .,-%$\\/{}():", min_size=1, max_size=8)
_NAMES = _LETTERS.map(lambda name: f"{name}x")
_TEXT = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
_NUMBERS = st.decimals(-(10**30), 10**30, places=8, allow_nan=False).map(str) | st.sampled_from(["NaN", "-Infinity"])
_MOODS = ("gay", 'so "so"', "žal")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
).map(json.dumps)


def _array(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """As an array is written: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO"""
    escaped = values.map(lambda value: '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return st.lists(escaped | st.just("NULL"), max_size=4).map(lambda items: "{" + ",".join(items) + "}")


# Each value as text that the type reads.
_TYPES: dict[str, st.SearchStrategy[str]] = {
    "integer": st.integers(-(2**31), 2**31 - 1).map(str),
    "numeric": _NUMBERS,
    "numeric(12, 3)": st.decimals(-99999999, 99999999, places=3, allow_nan=False).map(str),
    "double precision": st.floats().map(repr),
    "text": _TEXT,
    "varchar(12)": _TEXT,
    "boolean": st.booleans().map(str),
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=12).map(lambda value: "\\x" + value.hex()),
    "date": st.dates().map(str) | st.sampled_from(["infinity", "-infinity", "0044-03-15 BC"]),
    "timestamptz": st.datetimes().map(lambda value: f"{value}+02:30") | st.just("infinity"),
    "jsonb": _JSON.filter(lambda value: "\\u0000" not in value),
    "json": _JSON,
    "varchar": _TEXT,
    "bpchar": _TEXT,
    "char(5)": st.text(alphabet="ab é", max_size=5),
    "real": st.floats(width=32).map(repr),
    "interval": st.timedeltas().map(lambda value: f"{value.days} days {value.seconds}.{value.microseconds:06} s"),
    "time": st.times().map(str),
    "money": st.integers(-(10**9), 10**9).map(str),
    "inet": st.ip_addresses().map(str),
    "bit varying": st.text(alphabet="01", max_size=9),
    "int4range": st.tuples(st.integers(-99, 99), st.integers(0, 99)).map(lambda ends: f"[{ends[0]},{sum(ends)}]"),
    "tsvector": st.lists(st.sampled_from(["one", "two", "'so''so'"]), max_size=3).map(" ".join),
    "regtype": st.sampled_from(["integer", "moods.mood", "text[]"]),
    "moods.small": st.integers(1, 9).map(str),
    "text[]": _array(_TEXT),
    "numeric[]": _array(_NUMBERS),
    "moods.mood": st.sampled_from(_MOODS),
}
_UNSORTABLE = ("json",)

# What a table has of its own, by its own name and that of its schema.
_OBJECTS = (
    "CREATE VIEW {schema}.{view} AS SELECT key FROM {table} WHERE key BETWEEN 1 AND 4 AND (key < 3 OR key > 3)",
    "CREATE MATERIALIZED VIEW {schema}.{view} AS SELECT count(*) AS n FROM {table}",
    "CREATE INDEX ON {table} (key) WHERE key::text IN ('1', '2')",
    "COMMENT ON TABLE {table} IS 'a :: (b)'",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY chosen ON {table} USING (key::varchar IN ('1', '2'))",
    "CREATE RULE nothing AS ON DELETE TO {table} DO INSTEAD NOTHING",
    "CREATE TRIGGER tell AFTER INSERT ON {table} FOR EACH ROW WHEN (NEW.key > 1) EXECUTE FUNCTION moods.tell()",
    "ALTER TABLE {table} ADD CONSTRAINT listed CHECK (key::varchar IN ('1', '2', '3', '4', '5')) NOT VALID",
    "CREATE STATISTICS {schema}.{view} ON key, before FROM {table}",
    "ALTER TABLE {table} REPLICA IDENTITY FULL",
    "GRANT SELECT (key) ON {table} TO PUBLIC",
    "CREATE TABLE {schema}.{view} (LIKE {table} INCLUDING ALL)",
    "CREATE FUNCTION {schema}.{view}(a varchar DEFAULT 'x') RETURNS bigint "
    "BEGIN ATOMIC SELECT count(*) FROM {table} WHERE a IN ('x', 'y'); END",
    "SELECT pg_catalog.lo_from_bytea(0, 'a large one')",
)


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    default: str | None
    indexed: bool
    required: bool
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class Table:
    """:param before: the name of the table that it refers to, or empty.
    :param split: how it is partitioned, or empty.
    """

    name: str
    before: str
    columns: tuple[Column, ...]
    rows: int
    split: str
    generated: bool
    checked: bool
    objects: tuple[str, ...]


@st.composite
def _columns(draw: st.DrawFn, name: str, rows: int) -> Column:
    kind = draw(st.sampled_from(sorted(_TYPES)))
    required = draw(st.booleans())
    values = _TYPES[kind] if required else st.none() | _TYPES[kind]
    return Column(
        name=name,
        type=kind,
        default=draw(st.none() | _TYPES[kind]),
        indexed=kind not in _UNSORTABLE and draw(st.booleans()),
        required=required,
        values=tuple(draw(st.lists(values, min_size=rows, max_size=rows))),
    )


@st.composite
def _tables(draw: st.DrawFn, name: str, before: str) -> Table:
    rows = draw(st.integers(0, 5))
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    return Table(
        name=name,
        before=before,
        columns=tuple(draw(_columns(column, rows)) for column in names),
        rows=rows,
        split=draw(st.sampled_from(["", "", "HASH", "RANGE"])),
        generated=draw(st.booleans()),
        checked=draw(st.booleans()),
        objects=tuple(draw(st.lists(st.sampled_from(_OBJECTS), max_size=4, unique=True))),
    )


@st.composite
def _schemas(draw: st.DrawFn) -> tuple[sql.Composable, ...]:
    schema = draw(_NAMES)
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    tables = [draw(_tables(name, before)) for name, before in zip(names, ["", *names])]
    return (*_around(schema), *(statement for table in tables for statement in _statements(schema, table)))


def _around(schema: str) -> Iterator[sql.Composable]:
    yield sql.SQL("CREATE SCHEMA moods")
    yield sql.SQL("CREATE TYPE moods.mood AS ENUM ({})").format(sql.SQL(", ").join(map(sql.Literal, _MOODS)))
    yield sql.SQL("CREATE DOMAIN moods.small AS integer CHECK (VALUE BETWEEN 1 AND 9 AND VALUE <> 12)")
    yield sql.SQL("CREATE FUNCTION moods.tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    yield sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema))


def _statements(schema: str, table: Table) -> Iterator[sql.Composable]:
    name = sql.Identifier(schema, table.name)
    split = sql.SQL(f"PARTITION BY {table.split} (key)" if table.split else "")
    yield sql.SQL("CREATE TABLE {} ({}) {}").format(name, sql.SQL(", ").join(_parts(schema, table)), split)
    for number, bounds in enumerate(_BOUNDS[table.split]):
        part = sql.Identifier(schema, f"{table.name}{number}")
        yield sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES {}").format(part, name, sql.SQL(bounds))
    for row in range(table.rows):
        yield _insertion(name, table, row)
    for column in table.columns:
        if column.indexed:
            yield sql.SQL("CREATE INDEX ON {} ({})").format(name, sql.Identifier(column.name))
    for number, template in enumerate(table.objects):
        own = sql.Identifier(f"{table.name}{number}y")
        yield sql.SQL(template).format(table=name, schema=sql.Identifier(schema), view=own)


def _parts(schema: str, table: Table) -> Iterator[sql.Composable]:
    yield sql.SQL("key bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
    for column in table.columns:
        yield sql.SQL("{} {} {} {}").format(
            sql.Identifier(column.name),
            sql.SQL(column.type),
            sql.SQL("") if column.default is None else sql.SQL("DEFAULT {}").format(sql.Literal(column.default)),
            sql.SQL("NOT NULL" if column.required else ""),
        )
    # nothing refers to the first rows of a table that may have none
    yield sql.SQL("before bigint")
    if table.before:
        yield sql.SQL("FOREIGN KEY (before) REFERENCES {} DEFERRABLE").format(sql.Identifier(schema, table.before))
    if table.generated:
        yield sql.SQL("thrice bigint GENERATED ALWAYS AS (key * 3) STORED")
    if table.checked:
        yield sql.SQL("CHECK (key > 0 AND (key + 1) * 2 > key), UNIQUE (key, before)")


def _insertion(name: sql.Identifier, table: Table, row: int) -> sql.Composable:
    names: list[sql.Composable] = [sql.Identifier("key"), *(sql.Identifier(column.name) for column in table.columns)]
    values: list[sql.Composable] = [
        sql.Literal(row + 1),
        *(sql.Literal(column.values[row]) for column in table.columns),
    ]
    if not table.before:
        names.append(sql.Identifier("before"))
        values.append(sql.Literal(-row))
    listed, given_ = sql.SQL(", ").join(names), sql.SQL(", ").join(values)
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, listed, given_)


_BOUNDS = {
    "": (),
    "HASH": ("WITH (MODULUS 2, REMAINDER 0)", "WITH (MODULUS 2, REMAINDER 1)"),
    "RANGE": ("FROM (MINVALUE) TO (3)", "FROM (3) TO (MAXVALUE)"),
}


@contextmanager
def _database_of(server: pgserver.Server, statements: tuple[sql.Composable, ...]) -> Iterator[Database]:
    before = databases(server)
    database = Database(server, "generated")
    server.psql("CREATE DATABASE generated TEMPLATE template0")
    try:
        session = connection(database)
        with closing(session), session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield database
    finally:
        for name in databases(server) - before:
            server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(statements=_schemas())
def test_any_schema_comes_back_from_every_format(
    server: pgserver.Server, statements: tuple[sql.Composable, ...]
) -> None:
    with _database_of(server, statements) as database, tempfile.TemporaryDirectory() as directory:
        taken = back_up(database, Path(directory))
        assert differences(taken.manifest, database) == ()
        assert differences(taken.manifest, by_archive(database, taken)) == ()
        assert differences(taken.manifest, by_script(database, taken)) == ()
        require_stable(database)
        assert csv_differences(taken.manifest, by_csv(database, taken)) == ()
