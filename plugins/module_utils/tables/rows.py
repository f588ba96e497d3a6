# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of chosen tables, streamed from a file of the backup into tables of the same columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ..backup_set import archives, csv_files, csv_records, gzip_files, plain_rows
from ..backup_set.manifest import ARCHIVE, SCRIPT, BackupFile
from ..errors import VerificationFailed
from ..model import Table
from ..ports import files
from ..ports.database import Session, codec, identifier, joined, literal, statement
from ..postgres import pg_tools
from .chosen import Chosen
from .structure import Member

# Where the rows of a table go, by its schema and name in the backup.
Place = Callable[[str, str], Any]


def load(writer: Session, chosen: Chosen, tools: pg_tools.Tools, members: Sequence[Member], place: Place) -> None:
    """
    :raises VerificationFailed: the file does not hold every table, or is cut.
    :raises QueryFailed: the server refused a row.
    """
    if chosen.source == "csv":
        for member in members:
            if f"{member.schema}.{member.name}" == member.root:
                _load_csv(writer, chosen.directory, chosen.csv(member.root), place(member.schema, member.name))
        return
    heaps = {(member.schema, member.name) for member in members if member.kind == "r"}
    with closing(_script(chosen, tools, sorted(heaps))) as script:
        for block in plain_rows.blocks(script):
            if (block.schema, block.name) in heaps:
                _load(writer, place(block.schema, block.name), block.columns, block.encoding, block.rows)
                heaps.remove((block.schema, block.name))
            if not heaps:
                return
    if heaps:
        missing = ", ".join(Table(*heap).label for heap in sorted(heaps))
        raise VerificationFailed(f"The {chosen.source} holds no rows of {missing}.")


def _script(chosen: Chosen, tools: pg_tools.Tools, heaps: Sequence[tuple[str, str]]) -> Any:
    if chosen.source == "archive":
        return archives.rows(tools, chosen.directory / ARCHIVE, heaps)
    return gzip_files.read(chosen.directory / SCRIPT)


def _load(
    writer: Session, table: Any, columns: Sequence[str], encoding: str, rows: Iterator[bytes], options: str = ""
) -> None:
    listed = joined(", ", [identifier(name) for name in columns])
    copy = statement(
        f"COPY {{table}}{{columns}} FROM STDIN WITH (ENCODING {{encoding}}{options})",
        table=table,
        columns=statement(" ({listed})", listed=listed) if columns else statement(""),
        encoding=literal(encoding),
    )
    writer.copy_in(copy, rows)


def _load_csv(writer: Session, directory: Path, file: BackupFile, table: Any) -> None:
    path, encoding = directory / file.name, csv_files.encoding_of(file.load)
    with files.reporting(f"{path} could not be read", path), path.open("rb") as stream:
        columns = csv_records.columns(stream, codec(encoding))
        stream.seek(0)
        chunks = iter(lambda: stream.read(files.BUFFER_BYTES), b"")
        _load(writer, table, columns, encoding, chunks, ", FORMAT csv, HEADER")
