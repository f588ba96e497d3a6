# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One CSV per table: written by COPY under a snapshot, counted, and loadable with the command the manifest gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import files, names, queries
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session, identifier, joined, statement
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import BackupFile
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Table

_OPTIONS = "WITH (FORMAT csv, HEADER)"


@dataclass(frozen=True)
class Item:
    """One table to write as a CSV."""

    table: Table
    csv_name: str


def chosen(label: str, patterns: Sequence[str]) -> bool:
    """Whether a table is to have a CSV: a pattern matches its label, or its name alone if it is in ``public``."""
    plain = label[len("public.") :] if label.startswith("public.") else label
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in (label, plain))


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
        rows = session.copy_out(_copy(table, columns), sink)
    return BackupFile(
        name=item.csv_name,
        kind="csv",
        size=sink.digest.size,
        sha256=sink.digest.sha256,
        description=f"rows of {table.label}",
        table=table.label,
        rows=rows,
        load=_load(table, columns, item.csv_name, session.encoding),
    )


def _copy(table: Table, columns: Sequence[str]) -> Any:
    """A partitioned table has no rows of its own to COPY, so its rows are selected."""
    chosen = joined(", ", [identifier(name) for name in columns])
    parts = {"table": identifier(table.schema, table.name), "columns": chosen}
    if table.kind == "p":
        return statement(f"COPY (SELECT {{columns}} FROM {{table}}) TO STDOUT {_OPTIONS}", **parts)
    if not columns:
        return statement(f"COPY {{table}} TO STDOUT {_OPTIONS}", **parts)
    return statement(f"COPY {{table}} ({{columns}}) TO STDOUT {_OPTIONS}", **parts)


def _load(table: Table, columns: Sequence[str], csv_name: str, encoding: str) -> str:
    """Which names the encoding, since psql's own may be another one.

    https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS-COPY
    """
    listed = f" ({', '.join(names.quoted(name) for name in columns)})" if columns else ""
    options = f"WITH (FORMAT csv, HEADER, ENCODING '{encoding}')"
    return f"\\copy {names.quoted(table.schema)}.{names.quoted(table.name)}{listed} FROM '{csv_name}' {options}"


def count_records(chunks: Iterator[bytes]) -> int:
    """Records of a CSV without its header; a line break inside quotes belongs to its value.

    Doubled quotes toggle twice, so what lies at the even places between quotes is outside them.

    :raises ValueError: the text has no header, or ends inside quotes or inside a line.
    """
    inside, lines, last = False, 0, b"\n"
    for chunk in chunks:
        parts = chunk.split(b'"')
        lines += sum(part.count(b"\n") for part in parts[inside::2])
        inside ^= len(parts) % 2 == 0
        last = chunk[-1:]
    if inside or last != b"\n":
        raise ValueError("it ends inside a record")
    if lines == 0:
        raise ValueError("it has no header")
    return lines - 1
