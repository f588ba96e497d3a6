# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two fingerprints differ in exactly the lines that say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.fingerprint import differences, information
from ansible_collections.pgsafe.migration.plugins.module_utils.model import (
    AS_RESTORED,
    MODES,
    SOURCE,
    Fingerprint,
    LargeObjects,
    TableState,
)
from hypothesis import given
from hypothesis import strategies as st

SOME = Fingerprint(
    tables={"public.a": TableState(1000, "1:2"), "public.b": TableState(0, "0:0")},
    sequences={"public.a_id_seq": "1000,t"},
    catalog={
        "column": {"public.a.x": {"type": "integer"}, "public.a.y": {"type": "text"}},
        "function": {"public.f()": {"language": "sql"}},
        "relation": {"public.a": {"kind": "table"}, "public.b": {"kind": "table"}},
    },
    large_objects=LargeObjects(content={"7": "3:1:2", "8": "4:5:6"}),
)
TEXT = st.text(max_size=3)
ANY = st.builds(
    Fingerprint,
    st.dictionaries(TEXT, st.builds(TableState, st.integers(0, 3), TEXT, st.sampled_from(MODES)), max_size=3),
    st.dictionaries(TEXT, TEXT.filter(bool), max_size=3),
    st.dictionaries(TEXT, st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, max_size=2), min_size=1), max_size=2),
    st.builds(LargeObjects, st.sampled_from(MODES), st.dictionaries(TEXT, st.integers(0, 9).map(str), max_size=3)),
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
        (
            {"tables": {**SOME.tables, "public.a": TableState(1000, "1:3", "sampled")}},
            ["table public.a was read sampled, and full before, so its 1,000 rows could not be compared"],
        ),
        (
            {"large_objects": LargeObjects(content={"7": "30:1:3", "8": "unreadable"})},
            [
                "large object 7 has other content in its 30 bytes (before: 3)",
                "large object 8 could not be compared: its owner and superusers alone may read it",
            ],
        ),
        (
            {"large_objects": LargeObjects(content={"7": "3:1:2", "9": "1:1:1"})},
            ["large object 8 is missing", "large object 9 was not there before"],
        ),
        (
            {"large_objects": LargeObjects("counts")},
            ["large objects were read counts, and full before, so they could not be compared"],
        ),
        ({"catalog": {**SOME.catalog, "function": {}}}, ["function public.f() is missing"]),
        (
            {"catalog": {**SOME.catalog, "function": {"public.f(integer)": {"language": "sql"}}}},
            ["function public.f() is missing", "function public.f(integer) was not there before"],
        ),
    ],
)
def test_each_kind_of_difference_has_its_line(after: dict[str, object], lines: list[str]) -> None:
    assert list(differences(SOME, replace(SOME, **after))) == lines  # type: ignore[arg-type]  # any of its fields


def test_a_table_whose_columns_differ_is_said_to_have_other_columns() -> None:
    column = {"public.a.x": {"type": "integer"}, "public.a.z": {"type": "text"}}
    changed = replace(
        SOME,
        tables={**SOME.tables, "public.a": TableState(1000, "8:9")},
        catalog={**SOME.catalog, "column": column},
    )
    assert differences(SOME, changed)[0] == (
        "table public.a has other columns in its 1,000 rows: y is missing, z was not there before"
    )


def test_what_a_sample_shows_is_said_to_be_seen_in_the_sample() -> None:
    one, other = (
        replace(SOME, tables={"public.a": TableState(9, content, "sampled")}, large_objects=LargeObjects())
        for content in ("1:2", "1:3")
    )
    assert differences(one, other) == ("table public.a has other content in its 9 rows, seen in the sample",)


WRITTEN = [
    replace(SOME, generation=generation, catalog={"relation": {"public.v": {"definition": text}}})
    for generation, text in (
        (SOURCE, "a = ('x'::character varying)::text"),
        (SOURCE, "a = 'x'::text"),
        (AS_RESTORED, "a = 'x'::text"),
    )
]


def test_two_of_one_generation_are_compared_by_their_exact_texts() -> None:
    assert len(differences(WRITTEN[0], WRITTEN[1])) == 1
    assert differences(WRITTEN[0], WRITTEN[2]) == differences(WRITTEN[1], WRITTEN[2]) == ()


def test_what_is_told_and_not_compared_is_told() -> None:
    views = {"materialized view public.m": "2 rows", "materialized view public.n": "1 rows"}
    versions = [replace(SOME, catalog={"extension version": {"x": {"version": text}}}) for text in ("1", "2")]
    before, after = replace(versions[0], generation=SOURCE), replace(versions[1], reported=views)
    assert differences(before, after) == ()
    assert information(before, after) == (
        "materialized view public.m: 2 rows instead of missing",
        "materialized view public.n: 1 rows instead of missing",
        "extension version x is other than before: version is 2 instead of 1",
    )


@given(ANY, ANY)
def test_there_is_a_difference_exactly_when_the_two_are_not_equal(one: Fingerprint, other: Fingerprint) -> None:
    assert bool(differences(one, other)) == (one != other)
    assert len(differences(one, other)) == len(differences(other, one))
