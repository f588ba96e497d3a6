# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two fingerprints differ in exactly the lines that say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.fingerprint import differences
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint, TableState
from hypothesis import given
from hypothesis import strategies as st

SOME = Fingerprint(
    tables={"public.a": TableState(1000, "1:2"), "public.b": TableState(0, "0:0")},
    sequences={"public.a_id_seq": "1000,t"},
    catalog={"function": {"public.f()": "f sql"}, "relation": {"public.a": "r", "public.b": "r"}},
)
TEXT = st.text(max_size=3)
ANY = st.builds(
    Fingerprint,
    st.dictionaries(TEXT, st.builds(TableState, st.integers(0, 3), TEXT), max_size=3),
    st.dictionaries(TEXT, TEXT.filter(bool), max_size=3),
    st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, min_size=1, max_size=3), max_size=3),
)


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        ({"tables": {**SOME.tables, "public.c": TableState(1, "")}}, ["table public.c was not there before"]),
        ({"tables": {"public.b": TableState(0, "0:0")}}, ["table public.a is missing (1,000 rows)"]),
        (
            {"tables": {**SOME.tables, "public.a": TableState(999, "1:2")}},
            ["table public.a has 999 rows instead of 1,000"],
        ),
        (
            {"tables": {**SOME.tables, "public.a": TableState(1000, "1:3")}},
            ["table public.a has other content in its 1,000 rows"],
        ),
        ({"sequences": {"public.a_id_seq": "1000,f"}}, ["sequence public.a_id_seq is at 1000,f instead of 1000,t"]),
        ({"sequences": {}}, ["sequence public.a_id_seq is at missing instead of 1000,t"]),
        ({"catalog": {"relation": SOME.catalog["relation"]}}, ["function public.f() is missing"]),
        (
            {"catalog": {**SOME.catalog, "function": {"public.f(integer)": "f sql"}}},
            ["function public.f() is missing", "function public.f(integer) was not there before"],
        ),
    ],
)
def test_each_kind_of_difference_has_its_line(after: dict[str, object], lines: list[str]) -> None:
    assert list(differences(SOME, replace(SOME, **after))) == lines  # type: ignore[arg-type]  # any of its fields


@given(ANY, ANY)
def test_there_is_a_difference_exactly_when_the_two_are_not_equal(one: Fingerprint, other: Fingerprint) -> None:
    assert bool(differences(one, other)) == (one != other)
    assert len(differences(one, other)) == len(differences(other, one))
