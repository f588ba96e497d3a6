# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of two databases are told apart by name and definition."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import catalog

BEFORE = {"function": {"public.f()": "f sql volatile"}, "relation": {"public.a": "r owner app"}}


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        ({}, ["function public.f() is missing"]),
        (
            {"public.f()": "f sql volatile", "public.g()": "f sql"},
            ["function public.g() was not there before"],
        ),
        (
            {"public.f()": "f sql stable"},
            ["function public.f() is other than before: f sql stable instead of f sql volatile"],
        ),
        ({"public.f()": "f sql volatile"}, []),
    ],
)
def test_an_object_differs_by_its_name_or_its_definition(after: dict[str, str], lines: list[str]) -> None:
    assert list(catalog.differences(BEFORE, {**BEFORE, "function": after})) == lines


def test_long_definitions_are_shown_from_where_they_part() -> None:
    same = "x" * 200
    (line,) = catalog.differences({"view": {"v": f"{same}A{same}"}}, {"view": {"v": f"{same}B{same}"}})
    assert f"…{'x' * 20}B{'x' * 59}… instead of …{'x' * 20}A{'x' * 59}…" in line


@pytest.mark.parametrize("kind", sorted(catalog.INFORMATION))
def test_what_is_only_information_is_no_difference(kind: str) -> None:
    assert list(catalog.differences({kind: {"x": "1"}}, {kind: {"x": "2"}})) == []
