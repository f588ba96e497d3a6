# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A number outside of its range is named with the range."""

from __future__ import annotations

import math

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import ranges
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("jobs", 0, "jobs is 0; it must be 1 or more."),
        ("lease", -1.0, "lease is -1.0; it must be 0 or more."),
        ("poll_interval", 0.0, "poll_interval is 0.0; it must be more than 0."),
        ("lock_timeout", 3_000_000, "lock_timeout is 3000000; it must be from 0 to 2147483."),
        ("statement_timeout", -1, "statement_timeout is -1; it must be from 0 to 2147483."),
        ("grace", math.nan, "grace is nan; it must be 0 or more."),
        ("lease", "-1", "lease is -1; it must be 0 or more."),
    ],
)
def test_a_number_outside_of_its_range_is_named_with_the_range(name: str, value: object, said: str) -> None:
    assert list(ranges.problems({name: value})) == [said]


def test_what_is_inside_or_left_out_or_no_number_is_no_problem() -> None:
    given = {"jobs": 1, "lease": 0.0, "lock_timeout": 2_147_483, "time_limit": None, "copying": "soon", "other": -1}
    assert list(ranges.problems(given)) == []


def test_all_problems_are_in_one_message() -> None:
    with pytest.raises(BadRequest, match=r"^a\.jobs is 0; .* a\.audit is -1; it must be 0 or more\."):
        ranges.require(ranges.problems({"jobs": 0, "audit": -1}, "a.", {"audit": "budget"}))
