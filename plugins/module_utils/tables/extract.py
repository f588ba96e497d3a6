# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extract the rows of one table of a backup that match a condition, without restoring the database.

The rows of that table alone go into a scratch database, as a table without indexes, constraints to others and triggers,
and are compared with the manifest. There the condition is evaluated, in a read-only transaction whose search_path has
pg_catalog alone. The live database is not connected to. What a process that dies leaves behind is the scratch database,
as :mod:`recover` does, and at most the partial file.
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
from .chosen import Chosen, choose, intent, require_intact, require_possible

FORMS = ("csv", "sql")

# Of the table in the scratch database.
_SCHEMA = "extracted"

_FETCHED = 1000


@dataclass(frozen=True)
class ExtractRequest:
    """:param table: a label, ``schema.table``.
    :param condition: an SQL expression over its columns.
    :param dest: the file to write; it must not exist yet.
    :param form: one of :data:`FORMS`.
    :param source: one of :data:`chosen.SOURCES`.
    :param waived: by the name of a check before a restore, why a person accepts its errors.
    :param free_bytes: what a person says is free, where it cannot be seen.
    """

    target: Target
    backup_dir: Path
    table: str
    condition: str
    dest: Path
    form: str
    source: str
    waived: Mapping[str, str]
    free_bytes: int | None


@dataclass(frozen=True)
class Extracted:
    """:param rows: that matched; None where this is a forecast.
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
    return Extracted(chosen.labels[0], str(request.dest), request.source, None, _total(chosen), told)


def run(request: ExtractRequest) -> Extracted:
    """
    :raises PgsafeError: it could not be done; no file was written.
    """
    started = time.monotonic()
    chosen = _chosen(request)
    target = login_triggers.silenced(request.target)
    require_possible(target, intent(chosen, request.free_bytes, request.waived))
    source = sources.of(target, chosen.directory, chosen.manifest, jobs=1)
    require_intact(chosen)
    with signals.raised("The extraction"), copies.scratch(target, chosen.scratch_name, source):
        table = _loaded(target, chosen, source)
        count = _write(target.database(chosen.scratch_name), table, request)
    seconds = round(time.monotonic() - started, 3)
    return Extracted(chosen.labels[0], str(request.dest), request.source, count, _total(chosen), (), seconds)


def _total(chosen: Chosen) -> int:
    return chosen.manifest.fingerprint.tables[chosen.labels[0]].rows


def _chosen(request: ExtractRequest) -> Chosen:
    """
    :raises PgsafeError: the request cannot be fulfilled.
    """
    if not is_one_expression(request.condition):
        raise BadRequest(
            "The condition is not one SQL expression.",
            remedy="Write it as behind WHERE, such as: id = 42 AND note <> ''",
        )
    if not request.dest.is_absolute() or not request.dest.parent.is_dir():
        raise BadRequest(
            f"{request.dest} is no absolute path of a file in a directory that exists.", remedy="Check dest."
        )
    if request.dest.exists() or request.dest.is_symlink():
        raise Refused(f"{request.dest} exists already.", remedy="Choose another dest, or remove the file.")
    return choose(request.target, request.backup_dir, (request.table,), request.source)


def _loaded(target: Target, chosen: Chosen, source: copies.Source) -> Table:
    """The table in the scratch database, with all of its rows, equal to the manifest."""
    found = recover.structure_of(target, chosen, source, _SCHEMA)
    with session(target.database(chosen.scratch_name), WRITING, "extract rows") as writer, writer.transaction():
        writer.execute(statement("DROP SCHEMA {schema} CASCADE", schema=identifier(_SCHEMA)))
        writer.run_script(found.before)
        recover.require_trusted(writer)
        rows.load(writer, chosen, source.tools, found.members, lambda _schema, name: identifier(_SCHEMA, name))
        recover.compare(writer, chosen, _SCHEMA, found)
    root = next(member for member in found.members if f"{member.schema}.{member.name}" == member.root)
    return Table(root.schema, root.name)


def _write(scratch: Target, table: Table, request: ExtractRequest) -> int:
    """The condition is a person's own SQL: it can change nothing."""
    reading = session(scratch, purpose="extract rows")
    with reading as reader, reader.transaction(ONE_SNAPSHOT), files.atomic(request.dest) as sink:
        if request.form == "csv":
            return reader.copy_out(_copy(reader, table, request.condition), sink)
        return _write_inserts(reader, table, request.condition, sink)


def _write_inserts(reader: Session, table: Table, condition: str, sink: IO[bytes]) -> int:
    encoding, count = reader.encoding, 0
    sink.write(f"SET client_encoding = '{encoding}';\n".encode())
    for line in _inserts(reader, table, condition):
        sink.write(line.encode(codec(encoding)) + b"\n")
        count += 1
    return count


def _columns(reader: Session, table: Table) -> list[str]:
    return [name for name, generated in reader.rows(queries.COLUMNS, (_SCHEMA, table.name)) if not generated]


def _selected(table: Table, what: Any, condition: str) -> Any:
    """Behind a comment at its end the condition goes on in a new line."""
    return statement(
        "SELECT {what} FROM {table} WHERE ({condition}\n)",
        what=what,
        table=identifier(_SCHEMA, table.name),
        condition=statement(condition.replace("{", "{{").replace("}", "}}")),
    )


def _copy(reader: Session, table: Table, condition: str) -> Any:
    listed = joined(", ", [identifier(name) for name in _columns(reader, table)])
    return statement(f"COPY ({{rows}}) TO STDOUT {HEADED}", rows=_selected(table, listed, condition))


def _inserts(reader: Session, table: Table, condition: str) -> Iterator[str]:
    """An INSERT for each row, into the table that the backup is of; an identity column gets the value that it had."""
    columns = _columns(reader, table)
    into = f"INSERT INTO {quoted(table.schema)}.{quoted(table.name)} "
    listed = f"({', '.join(quoted(name) for name in columns)}) OVERRIDING SYSTEM VALUE VALUES ("
    values = [statement("pg_catalog.format('%L', {column})", column=identifier(name)) for name in columns]
    parts = [literal(into + listed), joined(" || ', ' || ", values), literal(");")]
    what = joined(" || ", parts) if columns else literal(f"{into}DEFAULT VALUES;")
    reader.execute(statement("DECLARE matching NO SCROLL CURSOR FOR {rows}", rows=_selected(table, what, condition)))
    while fetched := reader.rows(f"FETCH {_FETCHED} FROM matching"):
        yield from (line for (line,) in fetched)
