# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sample of the data: how much text a block of a table becomes, and how well that compresses. Bounded and cheap.

Some blocks of every large table are read as a backup reads them, by ranges of row addresses, which are read alone since
PostgreSQL 14: so many of so many blocks. https://www.postgresql.org/docs/release/14.0/
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import QueryFailed
from ..ports.database import Session, identifier, joined, literal, statement
from ..postgres import queries

TEXT_BYTES = 16 << 20
_SECONDS = 5.0
_PARTS = 40
_RUNS = 4
_EMPTY_BYTES = 16 << 10
# The level of a backup's script, and of its archive by default; higher ones give less.
_LEVEL = 1


@dataclass(frozen=True)
class Part:
    """A table, or a leaf of a partitioned one.

    :param bytes: with its TOAST, without its indexes.
    :param blocks: of its heap.
    """

    label: str
    schema: str
    name: str
    columns: tuple[str, ...]
    bytes: int
    blocks: int

    @property
    def empty(self) -> bool:
        """No row was ever in it; what it takes is an empty TOAST table's index."""
        return not self.blocks and self.bytes <= _EMPTY_BYTES


@dataclass(frozen=True)
class TableText:
    """What a table is expected to become.

    :param text: bytes of its CSV.
    :param zipped: bytes of that, compressed.
    """

    text: int
    zipped: int


@dataclass(frozen=True)
class Sample:
    """:param tables: by label.
    :param text_per_second: bytes that were read as text and compressed in a second; 0 when nothing was.
    :param unread: tables that could not be read, or not far enough; what they have is taken from their sizes.
    """

    tables: dict[str, TableText]
    text_per_second: float
    unread: tuple[str, ...]


def parts(session: Session) -> list[Part]:
    """The heaps of all tables that a backup has."""
    return [
        Part(f"{schema}.{name}", part_schema, part, tuple(columns), int(size), int(blocks))
        for schema, name, _kind, part_schema, part, columns, _key, size, blocks in session.rows(queries.TABLE_PARTS)
    ]


def take(session: Session, among: Sequence[Part], most: int = TEXT_BYTES) -> Sample:
    """
    :param session: used for nothing else afterwards: time limits are set in it.
    :param most: bytes of tables to read, roughly.
    """
    return _Taking(session, among, most).take()


def unread(database_bytes: int, tables: Sequence[str]) -> Sample:
    """Where not even sizes could be read: all of the database, as if nothing of it were an index or compressed."""
    return Sample({"*": TableText(database_bytes, database_bytes)}, 0.0, tuple(tables))


class _Taking:
    def __init__(self, session: Session, among: Sequence[Part], most: int) -> None:
        self._session = session
        self._most = most
        self._parts = sorted(among, key=lambda part: (part.empty, -part.bytes))
        self._total = max(1, sum(part.bytes for part in among))
        self._until = time.monotonic() + _SECONDS
        self._read = _Text()
        self._seconds = 0.0
        self._unread: list[str] = []

    def take(self) -> Sample:
        known = [(part, self._of(part)) for part in self._parts[:_PARTS]]
        measured = [(part, found) for part, found in known if found is not None]
        size = sum(part.bytes for part, _found in measured)
        # Small tables, of which none was read, are like those that were.
        text, zipped = (sum(getattr(found, of) for _part, found in measured) for of in ("text", "zipped"))
        others = [(part, _scaled(0 if part.empty else part.bytes, text, zipped, size)) for part in self._parts[_PARTS:]]
        unmeasured = [(part, _scaled(part.bytes, 1, 1, 1)) for part, found in known if found is None]
        tables: dict[str, TableText] = {}
        for part, found in (*measured, *others, *unmeasured):
            before = tables.get(part.label, TableText(0, 0))
            tables[part.label] = TableText(before.text + found.text, before.zipped + found.zipped)
        rate = self._read.text / self._seconds if self._seconds else 0.0
        return Sample(tables, rate, tuple(dict.fromkeys(self._unread)))

    def _of(self, part: Part) -> TableText | None:
        if part.empty:
            return TableText(0, 0)
        if not part.blocks:
            return self._not_read(part)
        share = max(1 << 16, self._most * part.bytes // self._total)
        blocks = min(part.blocks, max(1, share * part.blocks // max(1, part.bytes)))
        text = _Text()
        started = time.monotonic()
        try:
            self._limit()
            self._session.copy_out(_reading(part, blocks), io.BufferedWriter(text))
        except QueryFailed:
            # Not allowed, locked, or so wide that the time was over: the sizes are what is known.
            return self._not_read(part)
        self._seconds += time.monotonic() - started
        self._read.add(text)
        return TableText(text.text * part.blocks // blocks, text.zipped * part.blocks // blocks)

    def _limit(self) -> None:
        left = max(1, int((self._until - time.monotonic()) * 1000))
        self._session.execute(
            statement("SET statement_timeout = {left}; SET lock_timeout = {left}", left=literal(str(left)))
        )

    def _not_read(self, part: Part) -> TableText | None:
        self._unread.append(part.label)
        return None


class _Text(io.RawIOBase):
    """A sink that keeps nothing but sizes.

    :ivar text: bytes that were written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = 0
        self._zipped = 0
        self._zipper = zlib.compressobj(_LEVEL)

    @property
    def zipped(self) -> int:
        """Bytes of what was written, compressed."""
        return self._zipped + len(self._zipper.copy().flush())

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self.text += len(chunk)
        self._zipped += len(self._zipper.compress(chunk))
        return len(chunk)

    def add(self, other: _Text) -> None:
        self.text += other.text


def _scaled(size: int, text: int, zipped: int, of: int) -> TableText:
    return TableText(size * text // max(1, of), size * zipped // max(1, of))


def _reading(part: Part, blocks: int) -> Any:
    columns = joined(", ", [identifier(name) for name in part.columns])
    pieces = [
        statement(
            "SELECT {columns} FROM ONLY {table} WHERE ctid >= {first} AND ctid < {end}",
            columns=columns,
            table=identifier(part.schema, part.name),
            first=literal(f"({first},0)"),
            end=literal(f"({end},0)"),
        )
        for first, end in runs(part.blocks, blocks)
    ]
    return statement("COPY ({rows}) TO STDOUT (FORMAT csv)", rows=joined(" UNION ALL ", pieces))


def runs(blocks: int, wanted: int) -> Iterator[tuple[int, int]]:
    """So many blocks in a few runs, spread evenly from the first to the last block."""
    if wanted >= blocks:
        # The last block may have grown by rows since it was counted.
        yield 0, blocks
        return
    runs, read = min(_RUNS, wanted), 0
    for number in range(runs):
        length = wanted // runs + (number < wanted % runs)
        # What is not read lies between the runs, in equal parts.
        first = read + (blocks - wanted) * number // max(1, runs - 1)
        yield first, first + length
        read += length
