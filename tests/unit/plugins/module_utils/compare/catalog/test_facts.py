# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of two databases are told apart by name and facts."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.catalog import facts as catalog
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.catalog.queries import KINDS
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Catalog, Facts

BEFORE = {
    "function": {"public.f()": {"language": "sql", "volatility": "stable"}},
    "relation": {"public.a": {"owner": "app"}},
}


def lines(before: Catalog, after: Catalog, *, exact: bool = True) -> list[str]:
    return list(catalog.differences(before, after, exact=exact))


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({}, ["function public.f() is missing"]),
        (
            {**BEFORE["function"], "public.g()": {"language": "sql"}},
            ["function public.g() was not there before"],
        ),
        (
            {"public.f()": {"language": "plpgsql", "strict": "yes"}},
            [
                "function public.f() is other than before: language is plpgsql instead of sql; "
                "strict is yes instead of not set; volatility is not set instead of stable"
            ],
        ),
        (BEFORE["function"], []),
    ],
)
def test_an_object_differs_by_its_name_or_its_facts(after: dict[str, Facts], told: list[str]) -> None:
    assert lines(BEFORE, {**BEFORE, "function": after}) == told


def test_long_definitions_are_shown_from_where_they_part() -> None:
    same = "x" * 200
    one, other = ({"relation": {"v": {"definition": f"{same}{sign}{same}"}}} for sign in "AB")
    (line,) = lines(one, other)
    assert f"…{'x' * 20}B{'x' * 59}… instead of …{'x' * 20}A{'x' * 59}…" in line


def test_what_belongs_to_a_relation_that_went_is_not_said_again() -> None:
    before: Catalog = {
        "relation": {"public.a": {}, "public.b": {}},
        "column": {"public.a.x": {}, "public.b.x": {}},
        "column order": {"public.a": {"columns": "x"}, "public.b": {"columns": "x"}},
        "constraint": {"public.a.k": {}},
    }
    after: Catalog = {"relation": {"public.b": {}}, "column": {}, "column order": {"public.b": {"columns": "x"}}}
    assert lines(before, after) == ["column public.b.x is missing", "relation public.a is missing"]


@pytest.mark.parametrize("kind", sorted(catalog.NOT_RESTORED))
def test_what_a_restore_does_not_keep_counts_only_where_nothing_was_restored(kind: str) -> None:
    one, other = {kind: {"x": {"fact": "1"}}}, {kind: {"x": {"fact": "2"}}}
    assert lines(one, other, exact=False) == []
    assert len(lines(one, other)) == 1
    assert list(catalog.not_restored(one, other)) == lines(one, other)


@pytest.mark.parametrize("fact", ["definition", "default"])
def test_expressions_of_a_copy_are_compared_without_casts(fact: str) -> None:
    one, other = {"relation": {"v": {fact: "a = 'x'::text"}}}, {"relation": {"v": {fact: "(a = 'x')"}}}
    assert lines(one, {"relation": {"v": {fact: "a = ('x')"}}}, exact=False) == []
    assert len(lines(one, other)) == 1


def test_what_is_no_expression_is_compared_as_it_is() -> None:
    one, other = {"relation": {"v": {"comment": "a::b"}}}, {"relation": {"v": {"comment": "a"}}}
    assert len(lines(one, other, exact=False)) == 1


def test_a_relation_is_found_by_its_plain_name() -> None:
    assert catalog.quoted("Odd.a b", {"relation": {'"Odd"."a b"': {}}}) == '"Odd"."a b"'
    assert catalog.quoted("public.a", {}) == "public.a"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_query_for_every_major(kind: str) -> None:
    for major in range(14, 19):
        assert KINDS[kind].query(major * 10000).startswith("SELECT ")


def test_a_fact_that_only_later_servers_know_is_asked_of_these_alone() -> None:
    asked = {major: KINDS["published table"].query(major * 10000) for major in (14, 15)}
    assert "prqual" not in asked[14]
    assert "prqual" in asked[15]
