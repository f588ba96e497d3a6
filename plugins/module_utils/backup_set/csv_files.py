# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One CSV per table: written by COPY under a snapshot, loadable with the command the manifest gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .. import names
from ..model import Table
from ..ports import files
from ..ports.database import Session, identifier, joined, statement
from ..postgres import queries
from .manifest import BackupFile

HEADED = "WITH (FORMAT csv, HEADER)"
_ENCODING = re.compile(r"ENCODING '(\w+)'\)$")


@dataclass(frozen=True)
class Item:
    """One table to write as a CSV."""

    table: Table
    csv_name: str


def chosen(label: str, patterns: Sequence[str]) -> bool:
    """Whether a table is to have a CSV: a pattern matches its label, or its name alone if it is in ``public``."""
    plain = label[len("public.") :] if label.startswith("public.") else label
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in (label, plain))


def unmatched(tables: Sequence[Table], patterns: Sequence[str]) -> tuple[str, ...]:
    """A warning for each pattern that no table of the database matches; ``*`` may match none."""
    without = [name for name in patterns if name != "*" and not any(chosen(table.label, [name]) for table in tables)]
    return tuple(f"The pattern {name} of csv matches no table." for name in without)


def items(session: Session, tables: Sequence[Table], patterns: Sequence[str]) -> list[Item]:
    """The CSVs to write, largest table first, so that no reader is left with a large one at the end."""
    sizes = {Table(*row[:3]).label: row[3] for row in session.rows(queries.TABLE_SIZES)}
    file_names = names.csv_names([table.label for table in tables if chosen(table.label, patterns)])
    wanted = [Item(table, file_names[table.label]) for table in tables if table.label in file_names]
    return sorted(wanted, key=lambda item: -sizes.get(item.table.label, 0))


def write(session: Session, item: Item, directory: Path) -> BackupFile:
    """Copy one table out.

    :raises QueryFailed: the table cannot be read.
    :raises FileFailed: the file cannot be written.
    """
    table = item.table
    columns = [name for name, generated in session.rows(queries.COLUMNS, (table.schema, table.name)) if not generated]
    with files.atomic(directory / item.csv_name) as sink, session.giving_back_locks():
        rows = session.copy_out(_copy(session, table, columns), sink)
    return BackupFile(
        name=item.csv_name,
        kind="csv",
        size=sink.digest.size,
        sha256=sink.digest.sha256,
        description=f"rows of {table.label}",
        table=table.label,
        rows=rows,
        load=load_command(table, columns, item.csv_name, session.encoding),
    )


def copy(session: Session, table: Table, columns: Sequence[str], sink: Any) -> int:
    """Hand the CSV of a table to a sink, a record at a time; the number of rows.

    https://www.postgresql.org/docs/current/libpq-copy.html#LIBPQ-COPY-RECEIVE

    :param columns: in the order that they are to have.
    :raises QueryFailed: the table cannot be read, or has no such column.
    """
    with session.giving_back_locks():
        return session.copy_out(_copy(session, table, columns), sink)


def _copy(session: Session, table: Table, columns: Sequence[str]) -> Any:
    """A partitioned table has no rows of its own to COPY, so its rows are selected; those of foreign partitions not."""
    chosen = joined(", ", [identifier(name) for name in columns])
    parts = {"table": identifier(table.schema, table.name), "columns": chosen}
    if table.kind == "p":
        rows = _local_rows(session, table, chosen) or statement("SELECT {columns} FROM {table}", **parts)
        return statement(f"COPY ({{rows}}) TO STDOUT {HEADED}", rows=rows)
    if not columns:
        return statement(f"COPY {{table}} TO STDOUT {HEADED}", **parts)
    return statement(f"COPY {{table}} ({{columns}}) TO STDOUT {HEADED}", **parts)


def _local_rows(session: Session, table: Table, columns: Any) -> Any:
    """The rows of the partitions that are here, where others are foreign; None where none is."""
    found = session.rows(queries.LEAVES, (table.schema, table.name))
    if all(kind != "f" for _schema, _name, kind in found):
        return None
    local = [identifier(schema, name) for schema, name, kind in found if kind != "f"]
    if not local:
        whole = identifier(table.schema, table.name)
        return statement("SELECT {columns} FROM ONLY {table}", columns=columns, table=whole)
    selected = [statement("SELECT {columns} FROM ONLY {part}", columns=columns, part=part) for part in local]
    return joined(" UNION ALL ", selected)


def load_command(table: Table, columns: Sequence[str], csv_name: str, encoding: str) -> str:
    """Which names the encoding, since psql's own may be another one.

    https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS-COPY
    """
    listed = f" ({', '.join(names.quoted(name) for name in columns)})" if columns else ""
    options = f"WITH (FORMAT csv, HEADER, ENCODING '{encoding}')"
    return f"\\copy {names.quoted(table.schema)}.{names.quoted(table.name)}{listed} FROM '{csv_name}' {options}"


def encoding_of(load: str) -> str:
    """The encoding that the command of a CSV names, as PostgreSQL calls it.

    :raises ValueError: it names none.
    """
    found = _ENCODING.search(load)
    if not found:
        raise ValueError("has a load command without an encoding")
    return found.group(1)
