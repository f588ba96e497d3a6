# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables differ between two marks, and when any table may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.table_marks import Marks, touched

BEFORE = Marks({"public.a": "1", "public.b": "2"}, {"function 1": "7"}, "2026-11-29")


def test_tables_that_differ_came_or_went_were_touched_and_no_others() -> None:
    assert touched(BEFORE, BEFORE) == frozenset()
    after = replace(BEFORE, tables={"public.a": "1", "public.c": "3"}, shared={"function 1": "7", "function 2": "9"})
    assert touched(BEFORE, after) == frozenset({"public.b", "public.c"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (replace(BEFORE, statistics=None), replace(BEFORE, statistics=None)),
        (BEFORE, replace(BEFORE, statistics=None)),
        (BEFORE, replace(BEFORE, statistics="2026-11-30")),
        (BEFORE, replace(BEFORE, shared={})),
        (BEFORE, replace(BEFORE, shared={"function 1": "8"})),
    ],
    ids=["not counted", "no longer counted", "reset", "a function dropped", "a function replaced"],
)
def test_any_table_may_be_touched_where_it_cannot_be_told(before: Marks, after: Marks) -> None:
    assert touched(before, after) is None
