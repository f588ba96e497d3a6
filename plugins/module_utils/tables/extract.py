# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract the rows of one table of a backup that match a condition, without restoring the database.

The rows of that table alone go into a scratch database, as a table without indexes, constraints to others and triggers,
and are compared with the manifest. There the condition is evaluated, in a read-only transaction whose search_path has
pg_catalog alone. The rows go to a file, or in one transaction to a table in a new schema of the live database. What a
process that dies leaves behind is the scratch database, as :mod:`recover` does, and at most the partial file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..backup_set.csv_files import HEADED
from ..copies import copy as copies
from ..copies import sources
from ..errors import BadRequest, Refused
from ..model import Table, Target
from ..names import quoted
from ..ports import files, signals
from ..ports.database import (
    ONE_SNAPSHOT,
    WRITING,
    Session,
    codec,
    identifier,
    joined,
    literal,
    session,
    statement,
)
from ..postgres import login_triggers, queries
from ..sql_text import is_one_expression
from . import recover, rows
from .chosen import Chosen, choose, intent, read_lock, require_intact, require_possible

TABLE = "table"
FORMS = ("csv", "sql", TABLE)

# Of the table in the scratch database.
_SCHEMA = "extracted"

_FETCHED = 1000

# What its sessions are called.
_PURPOSE = "extract rows"


@dataclass(frozen=True)
class ExtractRequest:
    """:param table: a label, ``schema.table``.
    :param condition: an SQL expression over its columns.
    :param dest: the file to write; it must not exist yet. None where the rows go to a table.
    :param schema: of that table; it must not exist yet.
    :param form: one of :data:`FORMS`.
    :param source: one of :data:`chosen.SOURCES`.
    :param waived: by the name of a check before a restore, why a person accepts its errors.
    :param free_bytes: what a person says is free, where it cannot be seen.
    """

    target: Target
    backup_dir: Path
    table: str
    condition: str
    dest: Path | None
    schema: str
    form: str
    source: str
    waived: Mapping[str, str]
    free_bytes: int | None


@dataclass(frozen=True)
class Extracted:
    """:param dest: the file, or the schema of the table.
    :param rows: that matched; None where this is a forecast.
    :param of: how many the table has.
    :param problems: of the checks, a line each.
    """

    table: str
    dest: str
    source: str
    rows: int | None
    of: int
    problems: tuple[str, ...] = ()
    seconds: float = 0.0


def plan(request: ExtractRequest) -> Extracted:
    """What an extraction would do, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    chosen = _chosen(request)
    target = login_triggers.silenced(request.target)
    problems = recover.problems(target, intent(chosen, request.free_bytes, request.waived))
    told = tuple(f"[{problem.severity}] {problem.told}" for problem in problems)
    return Extracted(chosen.labels[0], _place(request), request.source, None, _total(chosen), told)


def _place(request: ExtractRequest) -> str:
    return str(request.dest) if request.dest else request.schema


def run(request: ExtractRequest) -> Extracted:
    """
    :raises PgsafeError: it could not be done; no file was written.
    """
    started = time.monotonic()
    chosen = _chosen(request)
    target = login_triggers.silenced(request.target)
    require_possible(target, intent(chosen, request.free_bytes, request.waived))
    source = sources.of(target, chosen.directory, chosen.manifest, jobs=1)
    scratch = copies.scratch(target, chosen.scratch_name, source, _PURPOSE)
    with signals.raised("The extraction"), read_lock(chosen), scratch:
        require_intact(chosen)
        loaded = _loaded(target, chosen, source, _SCHEMA if request.dest else request.schema)
        count = _written(target, target.database(chosen.scratch_name), loaded, request)
    seconds = round(time.monotonic() - started, 3)
    return Extracted(chosen.labels[0], _place(request), request.source, count, _total(chosen), (), seconds)


def _total(chosen: Chosen) -> int:
    return chosen.manifest.fingerprint.tables[chosen.labels[0]].rows


def _chosen(request: ExtractRequest) -> Chosen:
    """
    :raises PgsafeError: the request cannot be fulfilled.
    """
    if not is_one_expression(request.condition):
        raise BadRequest(
            "The condition is not one SQL expression.",
            remedy="Write it as after WHERE, such as: id = 42 AND note <> ''",
        )
    if (request.dest is None) != (request.form == TABLE):
        raise BadRequest("The formats csv and sql need a dest, and table has none.", remedy="Check dest, format.")
    if request.dest:
        _require_new(request.dest)
    else:
        recover.require_free(login_triggers.silenced(request.target), request.schema)
    return choose(request.target, request.backup_dir, (request.table,), request.source)


def _require_new(dest: Path) -> None:
    if not dest.is_absolute() or not dest.parent.is_dir():
        raise BadRequest(f"{dest} is no absolute path of a file in a directory that exists.", remedy="Check dest.")
    if dest.exists() or dest.is_symlink():
        raise Refused(f"{dest} exists already.", remedy="Choose another dest, or remove the file.")


@dataclass(frozen=True)
class _Loaded:
    """:param schema: of the table in the scratch database.
    :param table: as it is called in the backup.
    :param creation: SQL that makes the schema and the empty table.
    """

    schema: str
    table: Table
    creation: bytes


def _loaded(target: Target, chosen: Chosen, source: copies.Source, schema: str) -> _Loaded:
    """The table in the scratch database, with all of its rows, equal to the manifest."""
    found = recover.structure_of(target, chosen, source, schema)
    with session(target.database(chosen.scratch_name), WRITING, _PURPOSE) as writer, writer.transaction():
        writer.execute(statement("DROP SCHEMA {schema} CASCADE", schema=identifier(schema)))
        writer.run_script(found.before)
        recover.require_trusted(writer)
        rows.load(writer, chosen, source.tools, found.members, lambda _schema, name: identifier(schema, name))
        recover.compare(writer, chosen, schema, found)
    root = next(member for member in found.members if f"{member.schema}.{member.name}" == member.root)
    return _Loaded(schema, Table(root.schema, root.name), found.before)


def _written(target: Target, scratch: Target, loaded: _Loaded, request: ExtractRequest) -> int:
    """The condition is a person's own SQL: it can change nothing."""
    with session(scratch, purpose=_PURPOSE) as reader, reader.transaction(ONE_SNAPSHOT):
        if request.dest is None:
            return _insert(target, reader, loaded, request.condition)
        with files.atomic(request.dest) as sink:
            if request.form == "csv":
                return reader.copy_out(_copy(reader, loaded, request.condition), sink)
            return _write_inserts(reader, loaded, request.condition, sink)


def _insert(target: Target, reader: Session, loaded: _Loaded, condition: str) -> int:
    """Into a table of the live database, which appears with its rows or not at all."""
    place, count = Table(loaded.schema, loaded.table.name), 0
    with session(target, WRITING, _PURPOSE) as writer, writer.transaction():
        writer.run_script(loaded.creation)
        recover.require_trusted(writer)
        for lines in _inserts(reader, loaded, condition, place):
            writer.run_script("\n".join(lines).encode(codec(writer.encoding)))
            count += len(lines)
    return count


def _write_inserts(reader: Session, loaded: _Loaded, condition: str, sink: IO[bytes]) -> int:
    """Into the table that the backup is of."""
    encoding, count = reader.encoding, 0
    sink.write(f"SET client_encoding = '{encoding}';\n".encode())
    for lines in _inserts(reader, loaded, condition, loaded.table):
        sink.writelines(line.encode(codec(encoding)) + b"\n" for line in lines)
        count += len(lines)
    return count


def _columns(reader: Session, loaded: _Loaded) -> list[str]:
    found = reader.rows(queries.COLUMNS, (loaded.schema, loaded.table.name))
    return [name for name, generated in found if not generated]


def _selected(loaded: _Loaded, what: Any, condition: str) -> Any:
    """Behind a comment at its end the condition goes on in a new line."""
    return statement(
        "SELECT {what} FROM {table} WHERE ({condition}\n)",
        what=what,
        table=identifier(loaded.schema, loaded.table.name),
        condition=statement(condition.replace("{", "{{").replace("}", "}}")),
    )


def _copy(reader: Session, loaded: _Loaded, condition: str) -> Any:
    listed = joined(", ", [identifier(name) for name in _columns(reader, loaded)])
    return statement(f"COPY ({{rows}}) TO STDOUT {HEADED}", rows=_selected(loaded, listed, condition))


def _inserts(reader: Session, loaded: _Loaded, condition: str, place: Table) -> Iterator[list[str]]:
    """An INSERT for each row, so many at a time; an identity column gets the value that it had."""
    columns = _columns(reader, loaded)
    into = f"INSERT INTO {quoted(place.schema)}.{quoted(place.name)} "
    listed = f"({', '.join(quoted(name) for name in columns)}) OVERRIDING SYSTEM VALUE VALUES ("
    values = [statement("pg_catalog.format('%L', {column})", column=identifier(name)) for name in columns]
    parts = [literal(into + listed), joined(" || ', ' || ", values), literal(");")]
    what = joined(" || ", parts) if columns else literal(f"{into}DEFAULT VALUES;")
    reader.execute(statement("DECLARE matching NO SCROLL CURSOR FOR {rows}", rows=_selected(loaded, what, condition)))
    while fetched := reader.rows(f"FETCH {_FETCHED} FROM matching"):
        yield [line for (line,) in fetched]
