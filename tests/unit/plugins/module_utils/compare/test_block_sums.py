# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sums of blocks come out of the file as they went in, whatever they are, and a damaged file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import block_sums
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.block_sums import (
    BLOCK_BYTES,
    Heap,
    State,
    Writer,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files

HEAP = Heap(17000, 17001, "columns")
STATE = State("0/1A2B", "types", (2613, 2995))
LOW, HIGH = -(1 << 63), (1 << 63) - 1
# As many rows without columns as a block of 16 kB has room for, all of one hash.
FULL = (582, 582 * LOW, 582 * HIGH)


def write(path: Path) -> Path:
    with files.atomic(path) as sink:
        writer = Writer(sink)
        assert writer.add(HEAP, 4, 8, {5: (1, -7, 9), 9: FULL}) == (583, -7 + 582 * LOW, 9 + 582 * HIGH)
        writer.add(Heap(18000, 18000, ""), 0, 0, {})
        writer.add(HEAP, 0, 4, {0: (2, 3, 4), 3: (1, LOW, HIGH)})
        writer.finish(STATE)
    return path


def test_sums_of_blocks_are_read_as_they_were_written(tmp_path: Path) -> None:
    with block_sums.opened(write(tmp_path / "sums")) as sums:
        assert sums.state == STATE
        section = sums.section(HEAP)
        assert section is not None
        assert section.sums == (586, -4 + 583 * LOW, 13 + 583 * HIGH)
        single = [sums.of_blocks(section, number, number + 1) for number in (0, 1, 3, 5, 9, 10)]
        assert single == [(2, 3, 4), (0, 0, 0), (1, LOW, HIGH), (1, -7, 9), FULL, (0, 0, 0)]
        assert sums.of_blocks(section, 0, 100) == section.sums
        assert sums.of_blocks(section, 3, 6) == (2, LOW - 7, HIGH + 9)


def test_a_heap_of_another_file_or_other_columns_has_no_sums(tmp_path: Path) -> None:
    with block_sums.opened(write(tmp_path / "sums")) as sums:
        assert sums.section(Heap(18000, 18000, "")) is not None
        others = [None, Heap(1, 2, ""), Heap(17000, 17002, "columns"), Heap(17000, 17001, "others")]
        assert [sums.section(heap) for heap in others] == [None] * 4


@pytest.mark.parametrize("kept", [0, 5, 10 * BLOCK_BYTES, -1])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "sums")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FileFailed, match="sums is damaged"), block_sums.opened(path):
        pass
