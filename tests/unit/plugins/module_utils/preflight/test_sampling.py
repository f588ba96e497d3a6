# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which blocks a sample reads."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.sampling import runs
from hypothesis import example, given
from hypothesis import strategies as st


@given(blocks=st.integers(1, 10_000), wanted=st.integers(1, 12_000))
@example(blocks=294, wanted=293)
def test_exactly_so_many_blocks_are_read_and_none_twice(blocks: int, wanted: int) -> None:
    ranges = list(runs(blocks, wanted))
    assert sum(end - first for first, end in ranges) == min(blocks, wanted)
    read = [block for first, end in ranges for block in range(first, end)]
    assert read == sorted(set(read))
    assert set(read) <= set(range(blocks))


def test_the_first_and_the_last_block_are_among_them() -> None:
    ranges = list(runs(1000, 8))
    assert (ranges[0], ranges[-1]) == ((0, 2), (998, 1000))
    assert len(ranges) == 4
