# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content of a database block by block: recorded once, and later read again where blocks were changed.

A row's address has its block. Where anything else that decides the text of rows was changed (the file, the columns, a
type), the whole table is read. https://www.postgresql.org/docs/current/storage-page-layout.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from ..model import FULL, Fingerprint, Table
from ..ports.database import Session, identifier, literal, statement
from ..postgres import queries
from .block_sums import LARGEST_BLOCK, BlockSums, Heap, Section, State, Writer
from .contents import Contents, Pages, Part, Sums, Work, condition, row_text
from .reading_modes import Like

# The blocks from the first to before the last.
BlockRange = tuple[int, int]
# The ranges of changed blocks by filenode.
Changed = Mapping[int, Sequence[BlockRange]]

# Ranges that are read by one statement.
_RANGES_AT_ONCE = 500

_BY_BLOCK = """
SET LOCAL lc_monetary = 'C';
SELECT r.block, count(*),
       sum(pg_catalog.hashtextextended(r.t, 0))::text,
       sum(pg_catalog.hashtextextended(r.t, 8675309))::text
  FROM (SELECT pg_catalog.substr(pg_catalog.tidsend(ctid), 1, 4) AS block, {row} AS t
          FROM ONLY {part}{pages} OFFSET 0) AS r
 GROUP BY r.block
"""

# Each range is a scan of its own, and without sequential ones the planner has no other choice.
_BY_RANGES = """
SET LOCAL lc_monetary = 'C'; SET LOCAL enable_seqscan = off; SET LOCAL jit = off;
SELECT count(*),
       COALESCE(sum(pg_catalog.hashtextextended(x.t, 0)), 0)::text,
       COALESCE(sum(pg_catalog.hashtextextended(x.t, 8675309)), 0)::text
  FROM ROWS FROM (pg_catalog.unnest({firsts}::tid[]), pg_catalog.unnest({ends}::tid[])) AS r (first, past)
 CROSS JOIN LATERAL (SELECT {row} AS t FROM ONLY {part} WHERE ctid >= r.first AND ctid < r.past OFFSET 0) AS x
"""


def state(session: Session, snapshot_lsn: str) -> State:
    types, objects = session.row(queries.TYPES_AND_OBJECT_FILES)
    return State(snapshot_lsn, types, tuple(int(filenode) for filenode in objects))


def heaps(session: Session) -> dict[Table, Heap]:
    """By name, those whose every change of content is a logged change of a block."""
    if int(session.value(queries.BLOCK_SIZE)) > LARGEST_BLOCK:
        return {}
    return {
        Table(schema, name): Heap(int(oid), int(filenode), columns)
        for schema, name, oid, filenode, columns in session.rows(queries.BLOCK_HEAPS)
    }


class BlockRecorder:
    """Reads heaps by block, and writes the sums down."""

    def __init__(self, session: Session, writer: Writer, snapshot_lsn: str) -> None:
        self._writer = writer
        self._heaps = heaps(session)
        self._state = state(session, snapshot_lsn)

    def read(self, session: Session, part: Part, pages: Pages) -> Sums | None:
        heap = self._heaps.get(part.name)
        if heap is None:
            return None
        end = part.pages if pages.end is None else pages.end
        return self._writer.add(heap, pages.first, end, _by_block(session, part, pages))

    def finish(self) -> None:
        self._writer.finish(self._state)


def _by_block(session: Session, part: Part, pages: Pages) -> dict[int, Sums]:
    """Of the blocks that have rows."""
    query = statement(_BY_BLOCK, row=row_text(part, FULL), part=part_name(part), pages=condition(pages))
    with session.giving_back_locks():
        return {
            int.from_bytes(bytes(block), "big"): (int(rows), int(one), int(other))
            for block, rows, one, other in session.rows(query)
        }


def _by_ranges(session: Session, part: Part, ranges: Sequence[BlockRange]) -> Sums:
    firsts, ends = ("{" + ",".join(f'"({of[side]},0)"' for of in ranges) + "}" for side in (0, 1))
    query = statement(
        _BY_RANGES, row=row_text(part, FULL), part=part_name(part), firsts=literal(firsts), ends=literal(ends)
    )
    with session.giving_back_locks():
        rows, one, other = session.row(query)
    return int(rows), int(one), int(other)


def part_name(part: Part) -> object:
    return identifier(part.name.schema, part.name.name)


class Refreshed(Contents):
    """The content by what was recorded, and by reading what was changed since.

    :param base: the fingerprint that was read while the blocks were recorded.
    :param changed: gives the changed blocks of the files that it is asked for; asked once.
    """

    def __init__(
        self, session: Session, base: Fingerprint, recorded: BlockSums, changed: Callable[[set[int]], Changed]
    ) -> None:
        super().__init__(session, Like(base))
        self._base = base
        self._recorded = recorded
        now = state(session, recorded.state.snapshot_lsn)
        self._heaps = heaps(session) if now.types == recorded.state.types else {}
        self._object_files = now.objects
        self._changed = changed({*(heap.filenode for heap in self._heaps.values()), *now.objects})
        self.blocks = 0
        self.whole: list[str] = []

    def _part_work(self, part: Part) -> Iterator[Work]:
        heap = self._heaps.get(part.name)
        section = self._recorded.section(heap)
        if heap is None or section is None or self._mode_of(part) != FULL:
            self.whole.append(part.name.label)
            yield from super()._part_work(part)
            return
        self._add(part, section.sums)
        ranges = self._changed.get(heap.filenode, ())
        self.blocks += sum(end - first for first, end in ranges)
        for at in range(0, len(ranges), _RANGES_AT_ONCE):
            some = ranges[at : at + _RANGES_AT_ONCE]
            yield Work(f"table {part.table.label}", partial(self._read_ranges, part, section, some))

    def _read_ranges(self, part: Part, section: Section, ranges: Sequence[BlockRange], session: Session) -> None:
        found = _by_ranges(session, part, ranges)
        for first, end in ranges:
            rows, one, other = self._recorded.of_blocks(section, first, end)
            found = (found[0] - rows, found[1] - one, found[2] - other)
        self._add(part, found)

    def _object_work(self) -> Iterator[Work]:
        same = self._object_files == self._recorded.state.objects
        if same and not any(self._changed.get(filenode) for filenode in self._object_files):
            self._objects.update(self._base.large_objects.content)
            return
        self.whole.append("large objects")
        yield from super()._object_work()
