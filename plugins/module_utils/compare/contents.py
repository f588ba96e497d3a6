# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content of tables and large objects: order-free hashes, read in pieces that several sessions share.

The hash of a table is the sums, over its rows, of two seeded hashes of each row's text. A sum keeps duplicates (an
exclusive-or would cancel them), and sums of pieces add up. The text of the columns in name order does not depend on the
order in which they were added. The settings that decide a value's text are pinned by every session of
:mod:`database`. Hash: https://www.postgresql.org/docs/current/functions-binarystring.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ..model import COUNTS, FULL, SAMPLED, UNREADABLE, LargeObjects, Table, TableState
from ..ports.database import Session, identifier, joined, literal, statement
from ..postgres import queries
from .reading_modes import Modes

# A table is cut into pieces of this size, so that a large one does not run alone at the end.
PIECE_BYTES = 256 << 20

# Rows, and the two sums of their hashes.
Sums = tuple[int, int, int]

# A large object is read in parts of this size; a part's hexadecimal text is twice as long.
_PART_BYTES = 256 << 10

# Both hashes see the same text once: OFFSET 0 keeps the planner from writing the row out twice. The row's own output
# functions write it; a cast to text could be a user's function. What money looks like is no setting of a session's.
_CONTENT = """
SET LOCAL lc_monetary = 'C';
SELECT count(*),
       COALESCE(sum(pg_catalog.hashtextextended(r.t, 0)), 0)::text,
       COALESCE(sum(pg_catalog.hashtextextended(r.t, 8675309)), 0)::text
  FROM (SELECT {row} AS t FROM ONLY {part}{pages} OFFSET 0) AS r
"""
_WHOLE_ROW = """(ROW({columns})::text) COLLATE "C\""""
_SAMPLED_ROW = """CASE WHEN pg_catalog.hashtextextended((ROW({key})::text) COLLATE "C", 0) & 63 = 0
       THEN {row} END"""
_COUNT = "SELECT count(*), NULL, NULL FROM ONLY {part}{pages}"

# The parts of an object, one after another until one is short; each is hashed together with its place.
_LARGE_OBJECTS = """
WITH RECURSIVE part (oid, place, size, one, other) AS (
SELECT l.oid, 0::bigint, p.size, p.one, p.other
  FROM pg_catalog.pg_largeobject_metadata AS l, LATERAL ({first}) AS p
 WHERE {readable} AND l.oid::bigint % {pieces} = {piece}{sample}
 UNION ALL
SELECT l.oid, l.place + {step}, p.size, p.one, p.other
  FROM part AS l, LATERAL ({next}) AS p WHERE l.size = {step})
SELECT oid::text, sum(size)::text || ':' || sum(one)::text || ':' || sum(other)::text FROM part GROUP BY oid
"""
_PART = """
SELECT pg_catalog.octet_length(d.bytes) AS size,
       pg_catalog.hashtextextended(pg_catalog.concat({place}, ':', pg_catalog.encode(d.bytes, 'hex')), 0) AS one,
       pg_catalog.hashtextextended(pg_catalog.concat({place}, ':', pg_catalog.encode(d.bytes, 'hex')), 8675309) AS other
  FROM (SELECT pg_catalog.lo_get(l.oid, {place}, {step}) AS bytes OFFSET 0) AS d"""
_SAMPLED_OBJECT = "\n   AND pg_catalog.hashtextextended(l.oid::text, 0) & 63 = 0"


@dataclass(frozen=True)
class Part:
    """One heap of a table that counts: the table itself, or a leaf of a partitioned one.

    :param columns: all columns, in name order.
    :param key: the columns of the primary key, in name order; none when there is no such key.
    :param size: in bytes, TOAST included.
    :param pages: of the heap; 0 when it cannot be cut by them.
    """

    table: Table
    name: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    size: int
    pages: int


@dataclass(frozen=True)
class Pages:
    """Pages of a heap from the first to before the last; the last piece has no end, the only one no bounds."""

    first: int = 0
    end: int | None = None


ALL_PAGES = Pages()


@dataclass(frozen=True)
class Work:
    """What one session does at a time.

    :param about: what is read, for the error of a read that fails.
    :param table: the label of the table that is read; empty for large objects.
    """

    about: str
    run: Callable[[Session], None]
    table: str = ""


@dataclass
class _TableSums:
    """The pieces of one table that were read so far."""

    mode: str
    rows: int = 0
    one: int = 0
    other: int = 0

    def state(self) -> TableState:
        return TableState(self.rows, "" if self.mode == COUNTS else f"{self.one}:{self.other}", self.mode)


class Recorder(Protocol):
    """Keeps what a table that is read in full has in each block."""

    def read(self, session: Session, part: Part, pages: Pages) -> Sums | None:
        """As :func:`read`; None for a heap whose blocks are not recorded."""


class Contents:
    """All that is to be read of a database's content, and what was found of it.

    :param session: lists what there is; it decides nothing about who reads.
    :param recorder: reads what it records in its own way.
    :param of: labels of the tables to read; None for all, and for the large objects.
    """

    def __init__(
        self, session: Session, modes: Modes, recorder: Recorder | None = None, of: Collection[str] | None = None
    ) -> None:
        self._modes = modes
        self._recorder = recorder
        self._lock = threading.Lock()
        self._sums: dict[str, _TableSums] = {}
        self._objects: dict[str, str] = {}
        self._object_mode = ""
        self._seconds = 0.0
        tables = [Table(*row) for row in session.rows(queries.TABLES)]
        self._tables = [table for table in tables if of is None or table.label in of]
        self._parts = [part for part in parts(session) if of is None or part.table.label in of]
        self._sizes = _sizes(self._parts)
        self._object_bytes, has_objects = session.row(queries.LARGE_OBJECT_BYTES)
        self._has_objects = has_objects and of is None

    def work(self) -> Iterator[Work]:
        """Small tables first: the rate is known when it has to be decided on the large ones."""
        for part in sorted(self._parts, key=lambda part: (self._sizes[part.table.label], part.table.label)):
            yield from self._part_work(part)
        yield from self._object_work()

    def _part_work(self, part: Part) -> Iterator[Work]:
        for pages in cut(part):
            yield Work(f"table {part.table.label}", partial(self._read_table, part, pages), part.table.label)

    def _object_work(self) -> Iterator[Work]:
        count = 1 + self._object_bytes // PIECE_BYTES
        for piece in range(count if self._has_objects else 0):
            yield Work("large objects", partial(self._read_objects, piece, count))

    @property
    def tables(self) -> dict[str, TableState]:
        """What was read, by label, in order; a partitioned table without partitions holds nothing."""
        with self._lock:
            return {table.label: self._sums_of(table.label).state() for table in sorted(self._tables)}

    @property
    def large_objects(self) -> LargeObjects:
        with self._lock:
            return LargeObjects(self._mode_of_objects(), dict(sorted(self._objects.items())))

    @property
    def seconds(self) -> float:
        """Spent on reading, those of all sessions added up."""
        return round(self._seconds, 3)

    def _sums_of(self, label: str, *, has_key: bool = False) -> _TableSums:
        """The mode is decided once, for all pieces; the caller holds the lock."""
        if label not in self._sums:
            mode = self._modes.of_table(label, self._sizes.get(label, 0), has_key=has_key)
            self._sums[label] = _TableSums(mode)
        return self._sums[label]

    def _mode_of_objects(self) -> str:
        """As :meth:`_sums_of`."""
        self._object_mode = self._object_mode or self._modes.of_large_objects(self._object_bytes)
        return self._object_mode

    def _read_table(self, part: Part, pages: Pages, session: Session) -> None:
        mode = self._mode_of(part)
        started = time.monotonic()
        recorded = self._recorder.read(session, part, pages) if self._recorder and mode == FULL else None
        self._add(part, recorded or read(session, part, mode, pages), time.monotonic() - started)
        self._modes.spent(mode, part.size // len(cut(part)), time.monotonic() - started)

    def _mode_of(self, part: Part) -> str:
        with self._lock:
            return self._sums_of(part.table.label, has_key=bool(part.key)).mode

    def _add(self, part: Part, found: Sums, seconds: float = 0.0) -> None:
        """Part of what a table holds; negative sums take off what was added before."""
        with self._lock:
            sums = self._sums_of(part.table.label, has_key=bool(part.key))
            sums.rows, sums.one, sums.other = sums.rows + found[0], sums.one + found[1], sums.other + found[2]
            self._seconds += seconds

    def _read_objects(self, piece: int, count: int, session: Session) -> None:
        with self._lock:
            mode = self._mode_of_objects()
        started = time.monotonic()
        found = read_large_objects(session, mode, piece, count)
        with self._lock:
            self._objects.update(found)
            self._seconds += time.monotonic() - started


def parts(session: Session) -> list[Part]:
    """Every heap that holds rows which count."""
    return [
        Part(
            table=Table(schema, name, kind),
            name=Table(part_schema, part_name),
            columns=tuple(sorted(columns)),
            key=tuple(sorted(key)),
            size=int(size),
            pages=int(pages),
        )
        for schema, name, kind, part_schema, part_name, columns, key, size, pages in session.rows(queries.TABLE_PARTS)
    ]


def _sizes(found: list[Part]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for part in found:
        sizes[part.table.label] = sizes.get(part.table.label, 0) + part.size
    return sizes


def cut(part: Part) -> list[Pages]:
    """Ranges of pages of about equal size."""
    count = min(1 + part.size // PIECE_BYTES, max(1, part.pages))
    bounds = [part.pages * number // count for number in range(count)]
    return [Pages(first, end) for first, end in zip(bounds, [*bounds[1:], None])]


def read(session: Session, part: Part, mode: str, pages: Pages = ALL_PAGES) -> Sums:
    """Rows, and the two sums of their hashes.

    :raises QueryFailed: the table cannot be read.
    """
    template = _COUNT if mode == COUNTS else _CONTENT
    query = statement(
        template,
        row=row_text(part, mode),
        part=identifier(part.name.schema, part.name.name),
        pages=condition(pages),
    )
    with session.giving_back_locks():
        rows, one, other = session.row(query)
    return int(rows), int(one or 0), int(other or 0)


def row_text(part: Part, mode: str) -> Any:
    row = statement(_WHOLE_ROW, columns=joined(", ", [identifier(name) for name in part.columns]))
    if mode != SAMPLED:
        return row
    return statement(_SAMPLED_ROW, key=joined(", ", [identifier(name) for name in part.key]), row=row)


def condition(pages: Pages) -> Any:
    """A range of row addresses, which is scanned as such: only its pages are read."""
    bounds = [statement("ctid >= {first}::tid", first=literal(f"({pages.first},0)"))] if pages.first else []
    if pages.end is not None:
        bounds.append(statement("ctid < {end}::tid", end=literal(f"({pages.end},0)")))
    return statement(" WHERE {bounds}", bounds=joined(" AND ", bounds)) if bounds else statement("")


def read_large_objects(session: Session, mode: str, piece: int = 0, pieces: int = 1) -> dict[str, str]:
    """Size and two sums of hashes of every object of a piece by its OID, or that it cannot be read.

    :raises QueryFailed: one cannot be read after all.
    """
    if mode == COUNTS:
        return {}
    numbers = {"piece": literal(piece), "pieces": literal(pieces), "step": literal(_PART_BYTES)}
    query = statement(
        _LARGE_OBJECTS,
        readable=statement(queries.LARGE_OBJECT_READABLE),
        first=statement(_PART, place=statement("0::bigint"), step=numbers["step"]),
        next=statement(_PART, place=statement("(l.place + {step})", step=numbers["step"]), step=numbers["step"]),
        sample=statement(_SAMPLED_OBJECT if mode == SAMPLED else ""),
        **numbers,
    )
    hidden = statement(queries.HIDDEN_LARGE_OBJECTS, **numbers)
    return {**dict(session.rows(query)), **{oid: UNREADABLE for (oid,) in session.rows(hidden)}}
