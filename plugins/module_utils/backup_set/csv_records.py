# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading the CSVs of a backup: parsed to the last field, counted, and compared with what a table holds.

https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# As long as a value of PostgreSQL's can be; Python's reader would refuse one of more than 128 KiB.
csv.field_size_limit(1 << 30)

_HASH_BYTES = 64


@dataclass(frozen=True)
class Parsed:
    """:param columns: of the header; none for a table without columns.
    :param rows: records behind the header.
    """

    columns: tuple[str, ...]
    rows: int


class Bag:
    """The records of a CSV without their order: two are equal when each record is as often in both.

    It is a sum of hashes, which keeps duplicates as an exclusive-or would not; the header is a record like any other.
    """

    def __init__(self) -> None:
        self._records = 0
        self._total = 0

    def write(self, record: bytes) -> None:
        """Put one record in."""
        self._records += 1
        self._total += int.from_bytes(hashlib.blake2b(record, digest_size=_HASH_BYTES).digest(), "big")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bag) and (self._records, self._total) == (other._records, other._total)

    def __hash__(self) -> int:
        return hash((self._records, self._total))


def parse(lines: Iterable[bytes], encoding: str) -> Parsed:
    """Every field of every record, as Python reads CSVs.

    :param lines: with their line feeds, such as a file that was opened for bytes.
    :param encoding: Python's name of it.
    :raises ValueError: it has no header, ends inside a record, has a record of other columns than its header, a
        misplaced quote, or bytes that are no text.
    """
    reader = csv.reader(_decoded(lines, encoding), strict=True)
    try:
        columns = next(reader, None)
        if columns is None:
            raise ValueError("has no header")
        rows = _counted(reader, max(1, len(columns)))
    except csv.Error as error:
        raise ValueError(f"is no CSV at its line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"is not valid {encoding} text after its line {reader.line_num}: {error.reason}") from error
    return Parsed(tuple(columns), rows)


def _counted(reader: Iterable[list[str]], width: int) -> int:
    """One NULL, and a record of a table without columns, is an empty line, of which the reader makes no field."""
    rows = 0
    for rows, record in enumerate(reader, start=1):
        if max(1, len(record)) != width:
            raise ValueError(f"has {len(record)} fields instead of {width} in its record {rows:,}")
    return rows


def _decoded(lines: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The lines as text; the last one has to be ended as well."""
    for line in lines:
        if not line.endswith(b"\n"):
            raise ValueError("ends inside a record")
        yield line.decode(encoding)


def columns(lines: Iterable[bytes], encoding: str) -> tuple[str, ...]:
    """What the header names.

    :raises ValueError: as in :func:`parse`.
    """
    return parse([next(records(lines), b"")], encoding).columns


def bag(lines: Iterable[bytes]) -> Bag:
    """All records of a CSV; in memory is one at a time."""
    found = Bag()
    for record in records(lines):
        found.write(record)
    return found


def records(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Records as they are written; a line break between quotes belongs to its value, and quotes come in pairs."""
    record: list[bytes] = []
    quotes = 0
    for line in lines:
        record.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield b"".join(record)
            record, quotes = [], 0
    if record:
        yield b"".join(record)
