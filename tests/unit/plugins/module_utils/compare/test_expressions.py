# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dump and a restore do to an expression makes no other expression of it; anything else does."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.expressions import plain
from hypothesis import example, given
from hypothesis import strategies as st

# A condition as the server writes it: every operator in parentheses.
CONDITIONS = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map("({0[0]}{0[1]}{0[2]})".format),
    max_leaves=6,
)
VALUES = [{"a": bool(n & 1), "b": bool(n & 2), "c": bool(n & 4)} for n in range(8)]


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
        ("((a AND b) AND c)", "(a AND b AND c)"),
        ("a AND (b AND (c AND d))", "a AND b AND c AND d"),
        ("((a OR b) OR c) AND d", "(a OR b OR c) AND d"),
        ("(f((a)))::text", "f(a)"),
        ("((arr)::integer[])[1]", "arr[1]"),
        ("a -'1'::integer", "a - '1'"),
        ("SELECT NULL::integer", "SELECT NULL::integer AS int4"),
        ("SELECT 'x'::character varying, 1", "SELECT 'x'::character varying AS \"varchar\", 1"),
        ("SELECT '{}'::integer[] FROM b", "SELECT '{}'::integer[] AS int4 FROM b"),
        ("SELECT '2 days'::interval day to second(3)", "SELECT '2 days'::interval day to second(3) AS \"interval\""),
        ("SELECT 'v'::public.\"Odd Type\"", "SELECT 'v'::public.\"Odd Type\" AS \"Odd Type\""),
        ("SELECT '1'::timestamp(3) with time zone", "SELECT '1'::timestamp(3) with time zone AS timestamptz"),
        ("SELECT ('l'::text COLLATE \"C\")", "SELECT ('l'::text COLLATE \"C\") AS text"),
        ("SELECT ('l'::text COLLATE public.c)", "SELECT ('l'::text COLLATE public.c) AS text"),
    ],
)
def test_casts_needless_parentheses_and_white_space_do_not_count(before: str, after: str) -> None:
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
        ("a AND (b OR c)", "(a AND b) OR c"),
        ("(a + b) * c", "a + (b * c)"),
        ("NOT (a AND b)", "(NOT a) AND b"),
        ("(a - b) - c", "a - (b - c)"),
        ("f(a, (b))", "f((a, b))"),
        ("a - 1", "a -1 -"),
        ("ARRAY[a]", "(a)"),
        ("x <= y", "x < = y"),
        ("SELECT NULL::integer", "SELECT NULL::integer AS int8"),
        ("SELECT NULL::integer", "SELECT NULL::integer AS total"),
        ("SELECT a + 1 FROM b", "SELECT a + 1 AS int4 FROM b"),
        ("SELECT x::integer + y AS int4", "SELECT x::integer + y"),
    ],
)
def test_anything_else_does(before: str, after: str) -> None:
    assert plain(before) != plain(after)


@example(":-::")
@given(st.lists(st.sampled_from([*"a1 ()':\".[],-", " AND ", " OR "]), max_size=20).map("".join))
def test_a_plain_expression_is_as_plain_as_it_gets(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def _truth(condition: str) -> list[bool]:
    code = compile(condition.replace("AND", "and").replace("OR", "or"), "condition", "eval")
    return [eval(code, {}, row) for row in VALUES]  # noqa: S307  # of names, and, or, parentheses


@given(CONDITIONS, CONDITIONS)
def test_conditions_that_read_the_same_are_the_same(one: str, other: str) -> None:
    assert _truth(plain(one)) == _truth(one)
    if _truth(one) != _truth(other):
        assert plain(one) != plain(other)


def test_a_definition_that_was_cut_is_no_accident() -> None:
    assert plain("a::numeric(10") == plain("a")
