# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A budget of time is what a rule has spent, and what is left of the whole."""

from __future__ import annotations

import math

from ansible_collections.pgsafe.migration.plugins.module_utils.audit.looking import Budget, Clock


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
