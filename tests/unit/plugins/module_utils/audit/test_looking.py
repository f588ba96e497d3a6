# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A budget of time is what a rule has spent, and what is left of the whole."""

from __future__ import annotations

import math

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.looking import (
    Budget,
    Clock,
    Look,
    OutOfTime,
    failed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import QueryFailed


def test_without_a_limit_there_is_time_for_ever() -> None:
    assert math.isinf(Clock(Budget(0, 0)).left("r"))


def test_a_rule_has_what_it_has_not_spent_and_another_rule_all_of_its_own() -> None:
    clock = Clock(Budget(rule=1000, total=0))
    with clock.timed("r"):
        pass
    assert clock.left("r") < 1000
    assert clock.left("other") == 1000
    assert list(clock.spent) == ["r"]


def test_no_rule_has_more_than_is_left_of_the_whole() -> None:
    assert Clock(Budget(rule=1000, total=10)).left("r") <= 10
    assert Clock(Budget(rule=0, total=1e-9)).left("r") <= 0.001


@pytest.mark.parametrize(
    ("error", "severity", "remedy"),
    [
        (QueryFailed("canceling statement due to statement timeout", "57014"), "warning", "more time"),
        (QueryFailed("canceling statement due to lock timeout", "55P03"), "warning", "more time"),
        (OutOfTime("its budget of time was used up before"), "warning", "more time"),
        (QueryFailed("permission denied for table t", "42501"), "warning", "Give the role what it lacks"),
        (QueryFailed("out of memory", "53200"), "warning", "Fix what the error names"),
        (QueryFailed('relation "gone" does not exist', "42P01"), "warning", "Fix what the error names"),
        (QueryFailed("division by zero", "22012"), "error", "Fix what the error names"),
        (QueryFailed("invalid page in block 0 of relation t", "XX001"), "error", "Fix what the error names"),
        (QueryFailed("a function of the user's raised", "P0001"), "error", "Fix what the error names"),
    ],
    ids=lambda value: getattr(value, "sqlstate", ""),
)
def test_more_time_is_the_remedy_where_time_was_short_and_nowhere_else(
    error: QueryFailed, severity: str, remedy: str
) -> None:
    finding = failed(Look("orphans", "error", "public.t", "SELECT 1", "", ""), error)
    assert finding.severity == severity
    assert finding.what == f"Not looked at: orphans public.t: {error.what}."
    assert remedy in finding.remedy
    assert ("more time" in finding.remedy) == (remedy == "more time")
