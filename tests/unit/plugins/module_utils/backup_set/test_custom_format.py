# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives as pg_dump writes them are read piece by piece; tests/server restores what is put together of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import custom_format
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.parallel import Stop

TABLE = ("TABLE DATA", "0", "16386", "public", "queue")
OBJECTS = ("BLOBS", "0", "0", "", "BLOBS")
UNKNOWN_OFFSET, NO_ROWS = b"\1" + bytes(8), b"\3" + bytes(8)


def _integer(value: int) -> bytes:
    return bytes([value < 0]) + abs(value).to_bytes(4, "little")


def _text(value: str | None) -> bytes:
    return _integer(-1) if value is None else _integer(len(value.encode())) + value.encode()


def _head(version: tuple[int, int]) -> bytes:
    compression = b"\1" if version >= (1, 15) else _integer(-1)
    fixed = b"PGDMP" + bytes([*version, 0, 4, 8, 1]) + compression
    return fixed + _integer(1) * 7 + _text("app") + _text("15.18") + _text("15.18")


def _entry(version: tuple[int, int], number: int, key: tuple[str, ...], *, has_rows: bool) -> bytes:
    kind, catalog, oid, schema, name = key
    return b"".join(
        [
            _integer(number) + _integer(has_rows) + _text(catalog) + _text(oid) + _text(name) + _text(kind),
            _integer(3) + _text("") * 2 + _text("COPY …") + _text(schema or None) + _text(None) * 2,
            _integer(0) if version >= (1, 16) else b"",
            _text("app") + _text("false") + _text("7") + _text(None),
            UNKNOWN_OFFSET if has_rows else NO_ROWS,
        ]
    )


def _archive(version: tuple[int, int]) -> bytes:
    made = _entry(version, 1, ("TABLE", "1259", "16386", "public", "queue"), has_rows=False)
    held = _entry(version, 2, TABLE, has_rows=True) + _entry(version, 300, OBJECTS, has_rows=True)
    rows = b"\1" + _integer(2) + _integer(5) + b"1\t2\n\n" + _integer(0)
    objects = b"\3" + _integer(300) + _integer(16500) + _integer(3) + b"abc" + _integer(0) + _integer(0)
    return _head(version) + _integer(3) + made + held + rows + objects


def _read(dump: custom_format.Dump) -> list[bytes]:
    dump.begin(Stop())
    return [piece for block in dump.blocks() for piece in block.pieces]


def _in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("version", custom_format.VERSIONS)
def test_the_table_of_contents_and_the_blocks_are_all_that_an_archive_has(version: tuple[int, int], size: int) -> None:
    archive = _archive(version)
    dump = custom_format.Dump(_in_pieces(archive, size))
    dump.begin(Stop())
    assert list(dump.contents.entries) == [TABLE, OBJECTS]
    whole = bytes(dump.contents.text)
    for block in dump.blocks():
        number = dump.contents.entries[block.of].number
        whole += block.kind + dump.contents.integer(number) + b"".join(block.pieces)
    assert whole == archive


def test_the_place_of_a_block_is_noted_where_pg_restore_looks_for_it() -> None:
    dump = custom_format.Dump(iter([_archive((1, 16))]))
    dump.begin(Stop())
    before = bytes(dump.contents.text)
    dump.contents.note(dump.contents.entries[TABLE], 0x0102)
    entry = _entry((1, 16), 2, TABLE, has_rows=True)
    noted = entry.removesuffix(UNKNOWN_OFFSET) + b"\2\x02\x01" + bytes(6)
    assert bytes(dump.contents.text) == before.replace(entry, noted)


@pytest.mark.parametrize("version", [(1, 13), (1, 17)])
def test_another_version_of_the_format_is_refused(version: tuple[int, int]) -> None:
    dump = custom_format.Dump(iter([_archive(version)]))
    with pytest.raises(Refused, match=rf"1\.{version[1]}\.0"):
        dump.begin(Stop())


@pytest.mark.parametrize("kept", [12, 60, 200, -1, -12])
def test_an_archive_that_ends_too_early_is_no_archive(kept: int) -> None:
    dump = custom_format.Dump(iter([_archive((1, 14))[:kept]]))
    with pytest.raises(CommandFailed, match="ends within"):
        _read(dump)
