# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sums of every heap block of a database, in one file: 20 bytes a block, and an index at the end.

The hash of a table is a sum over its rows, so it is kept for each block too: what of a table is read again later
replaces the sums of its old blocks, and the rest of it need not be read.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from ..errors import FileFailed
from ..ports import files
from .contents import Sums

# Rows in 12 bits, and two sums of so many signed 64-bit hashes in 74 bits each, moved so that none is negative.
BLOCK_BYTES = 20
_SUM_BITS = 74
_ROW_SHIFT = 2 * _SUM_BITS
_SUM_MASK = (1 << _SUM_BITS) - 1
_EMPTY = bytes(BLOCK_BYTES)

# Of 32 kB a block could hold more rows than the sums have room for.
LARGEST_BLOCK = 16384

_LENGTH_BYTES = 8


@dataclass(frozen=True)
class Heap:
    """What a heap is known by: while all of it is the same, a row's text changes only when its block does.

    :param filenode: of its file; TRUNCATE and rewrites give another one.
    :param columns: a hash of what decides how the stored rows are read.
    """

    oid: int
    filenode: int
    columns: str


@dataclass
class Section:
    """The blocks of one heap, and their sums.

    :param pieces: ranges of blocks: the first, the number, the place in the file.
    """

    heap: Heap
    pieces: list[tuple[int, int, int]] = field(default_factory=list)
    rows: int = 0
    one: int = 0
    other: int = 0

    @property
    def sums(self) -> Sums:
        return self.rows, self.one, self.other


@dataclass(frozen=True)
class State:
    """What the sums are of.

    :param snapshot_lsn: of the backup that they were read with.
    :param types: a hash of what else decides how rows are read: types, enums, functions, extensions.
    :param objects: the filenodes of the catalogs that hold the large objects.
    """

    snapshot_lsn: str
    types: str
    objects: tuple[int, ...]


class Writer:
    """Appends the blocks of heaps, which several sessions read."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._size = 0
        self._sections: dict[int, Section] = {}

    def add(self, heap: Heap, first: int, end: int, blocks: Mapping[int, Sums]) -> Sums:
        """
        :param blocks: those of the range that have rows.
        :returns: the sums of them all.
        """
        end = max([end, *(number + 1 for number in blocks)])
        packed = b"".join(_packed(blocks[number]) if number in blocks else _EMPTY for number in range(first, end))
        rows, one, other = (sum(of[place] for of in blocks.values()) for place in range(3))
        with self._lock:
            section = self._sections.setdefault(heap.oid, Section(heap))
            section.pieces.append((first, end - first, self._size))
            section.rows, section.one, section.other = section.rows + rows, section.one + one, section.other + other
            self._sink.write(packed)
            self._size += len(packed)
        return rows, one, other

    def finish(self, state: State) -> None:
        found = {"state": asdict(state), "sections": [asdict(section) for section in self._sections.values()]}
        index = json.dumps(found, separators=(",", ":")).encode()
        self._sink.write(index)
        self._sink.write(len(index).to_bytes(_LENGTH_BYTES, "big"))


def _packed(sums: Sums) -> bytes:
    rows, one, other = sums
    moved = rows << 63
    return (rows << _ROW_SHIFT | one + moved << _SUM_BITS | other + moved).to_bytes(BLOCK_BYTES, "big")


def _unpacked(data: bytes) -> Sums:
    value = int.from_bytes(data, "big")
    rows = value >> _ROW_SHIFT
    return rows, (value >> _SUM_BITS & _SUM_MASK) - (rows << 63), (value & _SUM_MASK) - (rows << 63)


class BlockSums:
    """The file, of which the index alone is in memory."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._lock = threading.Lock()
        index = self._index()
        state = index["state"]
        self.state = State(state["snapshot_lsn"], state["types"], tuple(state["objects"]))
        self._sections = {of["heap"]["oid"]: _section(of) for of in index["sections"]}

    def section(self, heap: Heap | None) -> Section | None:
        """None for a heap that is another one by now, or was not recorded."""
        section = self._sections.get(heap.oid) if heap else None
        return section if section and section.heap == heap else None

    def of_blocks(self, section: Section, first: int, end: int) -> Sums:
        """
        :raises FileFailed: the file cannot be read.
        """
        blocks = [_unpacked(data) for data in self._blocks(section, first, end)]
        rows, one, other = (sum(of[place] for of in blocks) for place in range(3))
        return rows, one, other

    def _blocks(self, section: Section, first: int, end: int) -> Iterator[bytes]:
        for start, count, place in section.pieces:
            low, high = max(first, start), min(end, start + count)
            if low < high:
                data = self._read(place + (low - start) * BLOCK_BYTES, (high - low) * BLOCK_BYTES)
                yield from (data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES))

    def _read(self, place: int, size: int) -> bytes:
        with self._lock, files.reporting(f"{self._path} could not be read", self._path):
            self._stream.seek(place)
            data = self._stream.read(size)
        if len(data) != size:
            raise self._unusable()
        return data

    def _index(self) -> Any:
        with files.reporting(f"{self._path} could not be read", self._path):
            size = self._stream.seek(0, 2)
        if size < _LENGTH_BYTES:
            raise self._unusable()
        length = int.from_bytes(self._read(size - _LENGTH_BYTES, _LENGTH_BYTES), "big")
        if length > size - _LENGTH_BYTES:
            raise self._unusable()
        try:
            return json.loads(self._read(size - _LENGTH_BYTES - length, length))
        except ValueError as error:
            raise self._unusable() from error

    def _unusable(self) -> FileFailed:
        return FileFailed(f"{self._path} is damaged.")


def _section(facts: Any) -> Section:
    pieces = [(int(first), int(count), int(place)) for first, count, place in facts["pieces"]]
    return Section(Heap(**facts["heap"]), pieces, facts["rows"], facts["one"], facts["other"])


@contextmanager
def opened(path: Path) -> Iterator[BlockSums]:
    """
    :raises FileFailed: it cannot be read, or is damaged.
    """
    with files.reporting(f"{path} could not be read", path), path.open("rb") as stream:
        yield BlockSums(stream, path)
