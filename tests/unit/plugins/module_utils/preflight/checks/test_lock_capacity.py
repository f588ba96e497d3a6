# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every table is locked twice, and others need locks too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence.run import BOTH, CLOSED
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import lock_capacity
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


@pytest.mark.parametrize(
    ("tables", "fence", "severities"),
    [(25, BOTH, []), (26, BOTH, ["warning"]), (25, CLOSED, []), (26, CLOSED, ["error"]), (101, BOTH, ["error"])],
)
def test_half_of_the_room_is_left_to_others(tables: int, fence: str, severities: list[str]) -> None:
    many = replace(FACTS, lockable_tables=tables, lock_capacity=100, fence=fence)
    found = list(lock_capacity.check(many))
    assert [problem.severity for problem in found] == severities
    assert all("max_locks_per_transaction" in problem.remedy for problem in found)


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(lock_capacity.check(FACTS)) == []
