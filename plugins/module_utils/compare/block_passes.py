# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content of a database that is written to, in passes: each reads the blocks that were changed since the last one.

What a pass has read takes the place of what was recorded of these blocks, so that the last one has little to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..model import FULL, Fingerprint
from ..ports.database import Session, literal, statement
from .block_sums import BlockSums, Section
from .blocks import BlockRange, Changed, Refreshed, part_name
from .contents import Part, Sums, Work, row_text

_NOTHING: Sums = (0, 0, 0)

# As for the sum of ranges in :mod:`blocks`, but by block.
_BY_BLOCK_OF_RANGES = """
SET LOCAL lc_monetary = 'C'; SET LOCAL enable_seqscan = off; SET LOCAL jit = off;
SELECT x.block, count(*),
       sum(pg_catalog.hashtextextended(x.t, 0))::text,
       sum(pg_catalog.hashtextextended(x.t, 8675309))::text
  FROM ROWS FROM (pg_catalog.unnest({firsts}::tid[]), pg_catalog.unnest({ends}::tid[])) AS r (first, past)
 CROSS JOIN LATERAL (SELECT pg_catalog.substr(pg_catalog.tidsend(ctid), 1, 4) AS block, {row} AS t
                       FROM ONLY {part} WHERE ctid >= r.first AND ctid < r.past OFFSET 0) AS x
 GROUP BY x.block
"""


class Newer:
    """The sums of blocks that were read again, by file and block, and by how much each file has moved."""

    def __init__(self) -> None:
        self._sums: dict[int, dict[int, Sums]] = {}
        self._moved: dict[int, Sums] = {}

    def of(self, filenode: int, block: int) -> Sums | None:
        return self._sums.get(filenode, {}).get(block)

    def moved(self, filenode: int) -> Sums:
        return self._moved.get(filenode, _NOTHING)

    def add(self, filenode: int, blocks: dict[int, Sums], moved: Sums) -> None:
        self._sums.setdefault(filenode, {}).update(blocks)
        self._moved[filenode] = _plus(self.moved(filenode), moved)


class Pass(Refreshed):
    """The content by what was recorded, what earlier passes have read, and what was changed since the last one.

    :param base: the fingerprint of the last pass.
    """

    def __init__(
        self,
        session: Session,
        base: Fingerprint,
        recorded: BlockSums,
        changed: Callable[[set[int]], Changed],
        newer: Newer,
    ) -> None:
        super().__init__(session, base, recorded, changed)
        self._newer = newer
        self._read: list[tuple[int, dict[int, Sums], Sums]] = []

    def keep(self) -> None:
        """For the next pass; once all of this one was read."""
        for filenode, blocks, moved in self._read:
            self._newer.add(filenode, blocks, moved)

    def _part_work(self, part: Part) -> Iterator[Work]:
        heap = self._heaps.get(part.name)
        if heap and self._recorded.section(heap) and self._mode_of(part) == FULL:
            self._add(part, self._newer.moved(heap.filenode))
        yield from super()._part_work(part)

    def _read_ranges(self, part: Part, section: Section, ranges: Sequence[BlockRange], session: Session) -> None:
        filenode, moved = section.heap.filenode, _NOTHING
        found = _by_block_of_ranges(session, part, ranges)
        blocks = {block: found.get(block, _NOTHING) for first, end in ranges for block in range(first, end)}
        for block, sums in blocks.items():
            before = self._newer.of(filenode, block) or self._recorded.of_blocks(section, block, block + 1)
            moved = _plus(moved, _minus(sums, before))
        self._add(part, moved)
        with self._lock:
            self._read.append((filenode, blocks, moved))


def _by_block_of_ranges(session: Session, part: Part, ranges: Sequence[BlockRange]) -> dict[int, Sums]:
    """Of the blocks that have rows."""
    firsts, ends = ("{" + ",".join(f'"({of[side]},0)"' for of in ranges) + "}" for side in (0, 1))
    names = {"row": row_text(part, FULL), "part": part_name(part), "firsts": literal(firsts), "ends": literal(ends)}
    with session.giving_back_locks():
        return {
            int.from_bytes(bytes(block), "big"): (int(rows), int(one), int(other))
            for block, rows, one, other in session.rows(statement(_BY_BLOCK_OF_RANGES, **names))
        }


def _plus(one: Sums, other: Sums) -> Sums:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _minus(one: Sums, other: Sums) -> Sums:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]
