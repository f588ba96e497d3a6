# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The merge of two sides finds what a dictionary of each side would find."""

from __future__ import annotations

from collections import Counter

from ansible_collections.pgsafe.migration.plugins.module_utils.compare.row_differences import Merge
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.row_sides import Row
from hypothesis import given
from hypothesis import strategies as st

SIDE = st.dictionaries(st.binary(min_size=1, max_size=2), st.sampled_from("ab"), max_size=12)


def _rows(side: dict[bytes, str]) -> list[Row]:
    return [Row(key, key.hex(), content, ()) for key, content in sorted(side.items())]


@given(SIDE, SIDE)
def test_a_merge_finds_each_row_that_differs_once(here: dict[bytes, str], there: dict[bytes, str]) -> None:
    merge = Merge()
    found = {(difference.kind, difference.key) for difference in merge.differences(_rows(here), _rows(there))}
    assert found == {
        *{("only_here", key.hex()) for key in set(here) - set(there)},
        *{("only_there", key.hex()) for key in set(there) - set(here)},
        *{("different", key.hex()) for key in set(here) & set(there) if here[key] != there[key]},
    }
    assert (merge.rows_here, merge.rows_there) == (len(here), len(there))
    assert sum(merge.counts.values()) == len(found)


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
def test_rows_without_a_key_pair_off_one_by_one(here: list[str], there: list[str]) -> None:
    merge = Merge()
    list(merge.differences(*([Row(r.encode(), r, r, ()) for r in sorted(side)] for side in (here, there))))
    left, right = Counter(here), Counter(there)
    assert merge.counts == {
        "only_here": (left - right).total(),
        "only_there": (right - left).total(),
        "different": 0,
    }
