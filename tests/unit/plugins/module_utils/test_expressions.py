# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dump and a restore do to an expression makes no other expression of it; anything else does."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.expressions import plain
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CHECK ((a > 0))", "CHECK (a > 0)"),
        ("'x'::text", "'x'"),
        ("a::character varying(10)[] = b", "a = b"),
        ("a::numeric(10,2) + 1", "a + 1"),
        ("a::timestamp(3) without time zone < b", "a < b"),
        ('a::public."Odd Type" AND b', "a AND b"),
        ("ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])", "ANY (ARRAY['x', 'y'])"),
        ("a  =\n b", "a = b"),
    ],
)
def test_casts_parentheses_and_white_space_do_not_count(before: str, after: str) -> None:
    assert plain(before) == plain(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a > 0", "a >= 0"),
        ("a = 'x::text'", "a = 'x'"),
        ("a = '(x)'", "a = 'x'"),
        ("a = 'x  y'", "a = 'x y'"),
        ('"A b" = 1', '"A  b" = 1'),
        ("a = 'it''s'", "a = 'its'"),
        ("a::text = b", "a::text = c"),
        ("a::numeric(10,2) + 1", "a::numeric(10,2) + 2"),
    ],
)
def test_anything_else_does(before: str, after: str) -> None:
    assert plain(before) != plain(after)


@given(st.text(st.sampled_from("a1 ()':\".[],"), max_size=20))
def test_a_plain_expression_is_as_plain_as_it_gets(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_a_definition_that_was_cut_is_no_accident() -> None:
    assert plain("a::numeric(10") == plain("a")
