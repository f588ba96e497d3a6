# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives of the custom format, read as they are written: the table of contents, then a block of rows a table.

As WriteHead() and WriteToc() of src/bin/pg_dump/pg_backup_archiver.c write the table of contents, and
_StartData() and _StartLOs() of pg_backup_custom.c the blocks. pg_restore reads an entry's block where its offset is, so
an archive can have the table of contents of one pg_dump and the blocks of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..errors import CommandFailed, Refused
from ..ports.parallel import Stop

MAGIC = b"PGDMP"

# Of pg_dump 12 to 15, 16, and 17 to 18.
VERSIONS = ((1, 14), (1, 15), (1, 16))

# What a block with large objects begins with.
_LARGE_OBJECTS = 3
_OFFSET_KNOWN = b"\2"

# Kind, catalog, OID, schema and name: one table's, in every dump of it.
Key = tuple[str, str, str, str, str]


class Source(Protocol):
    """Bytes from the first to the last."""

    def read(self, size: int, /) -> bytes:
        """So many bytes; fewer at the end alone."""


class Stream:
    """The output of a program as a :class:`Source`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._place = 0

    def read(self, size: int, /) -> bytes:
        while len(self._held) - self._place < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._held, self._place = self._held[self._place :] + chunk, 0
        self._place += size
        return self._held[self._place - size : self._place]


@dataclass(frozen=True)
class Entry:
    """An entry whose rows are in a block.

    :param number: of the entry; the block begins with it.
    :param offset_at: where in the table of contents the block's offset is.
    """

    number: int
    offset_at: int


@dataclass(frozen=True)
class Block:
    """:param of: the entry whose rows they are.
    :param kind: what the block begins with, before the number of its entry.
    :param pieces: all that is behind that number.
    """

    of: Key
    kind: bytes
    pieces: Iterator[bytes]


@dataclass(frozen=True)
class Contents:
    """A table of contents.

    :param text: all of it, the head with it.
    :param entries: those with rows.
    """

    text: bytearray
    int_size: int
    offset_size: int
    entries: dict[Key, Entry]

    def integer(self, value: int) -> bytes:
        return b"\0" + value.to_bytes(self.int_size, "little")

    def note(self, entry: Entry, offset: int) -> None:
        """Say where an entry's block is."""
        noted = _OFFSET_KNOWN + offset.to_bytes(self.offset_size, "little")
        self.text[entry.offset_at : entry.offset_at + len(noted)] = noted


class Dump:
    """The output of a pg_dump that is being read.

    :param chunks: of its output.
    """

    contents: Contents

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._source = Stream(chunks)

    def begin(self, stop: Stop) -> None:
        """Until it has its locks, and has read the catalogs."""
        stop.check()
        self.contents = contents(self._source)

    def blocks(self) -> Iterator[Block]:
        """Read each block to its end before you take the next one."""
        keys = {entry.number: key for key, entry in self.contents.entries.items()}
        while kind := self._source.read(1):
            key = keys[integer(self._source, self.contents.int_size)]
            pieces = _large_objects if kind[0] == _LARGE_OBJECTS else _rows
            yield Block(key, kind, pieces(self._source, self.contents))


class _Copying:
    """A source, and what was read of it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.text = bytearray()

    def read(self, size: int, /) -> bytes:
        found = self._source.read(size)
        self.text += found
        return found


def integer(source: Source, size: int) -> int:
    """
    :raises CommandFailed: the archive ends here.
    """
    found = source.read(1 + size)
    if len(found) <= size:
        raise CommandFailed("An archive ends within its table of contents or a block of rows.")
    value = int.from_bytes(found[1:], "little")
    return -value if found[0] else value


def text(source: Source, size: int) -> str | None:
    length = integer(source, size)
    return None if length < 0 else source.read(length).decode("utf-8", "surrogateescape")


def contents(source: Source) -> Contents:
    """Read a table of contents, and nothing behind it.

    :raises Refused: this pg_dump writes archives in another way.
    """
    copy = _Copying(source)
    magic, fixed = copy.read(len(MAGIC)), copy.read(6)
    if magic != MAGIC or tuple(fixed[:2]) not in VERSIONS:
        raise Refused(
            f"This pg_dump writes archives of the version {'.'.join(map(str, fixed[:3]))}, whose tables cannot be put "
            "together from several dumps yet.",
            remedy="Leave pg_migrate_backup.volatile_tables empty.",
        )
    version, int_size, offset_size = (fixed[0], fixed[1]), fixed[3], fixed[4]
    if version >= (1, 15):
        copy.read(1)
    else:
        integer(copy, int_size)
    for _part_of_the_date in range(7):
        integer(copy, int_size)
    for _name_and_versions in range(3):
        text(copy, int_size)
    found = [_entry(copy, int_size, offset_size, version) for _entry_number in range(integer(copy, int_size))]
    return Contents(copy.text, int_size, offset_size, {key: entry for key, entry in found if key and entry})


def _entry(
    copy: _Copying, int_size: int, offset_size: int, version: tuple[int, int]
) -> tuple[Key | None, Entry | None]:
    number, has_rows = integer(copy, int_size), integer(copy, int_size)
    catalog, oid, name, kind = (text(copy, int_size) or "" for _field in range(4))
    integer(copy, int_size)
    # What makes it, drops it and loads it; then its schema.
    _made, _dropped, _loaded, schema = (text(copy, int_size) or "" for _field in range(4))
    for _tablespace_and_access_method in range(2):
        text(copy, int_size)
    if version >= (1, 16):
        integer(copy, int_size)
    for _owner_and_oids in range(2):
        text(copy, int_size)
    while text(copy, int_size) is not None:
        pass
    offset_at = len(copy.text)
    copy.read(1 + offset_size)
    return ((kind, catalog, oid, schema, name), Entry(number, offset_at)) if has_rows else (None, None)


def _rows(source: Source, of: Contents) -> Iterator[bytes]:
    while size := integer(source, of.int_size):
        yield of.integer(size) + source.read(size)
    yield of.integer(0)


def _large_objects(source: Source, of: Contents) -> Iterator[bytes]:
    while oid := integer(source, of.int_size):
        yield of.integer(oid)
        yield from _rows(source, of)
    yield of.integer(0)
