# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A long transaction loses its work."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import long_transactions
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import SessionFact
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

IDLE = SessionFact(4711, "app", "web", "10.0.0.1", "idle", 0)


def test_only_a_longer_one_than_allowed_is_a_warning_with_the_way_to_end_it() -> None:
    three = tuple(replace(IDLE, pid=age, transaction_seconds=age) for age in (0, 60, 61))
    a_minute = replace(requests.THRESHOLDS, long_transaction=60)
    (problem,) = long_transactions.check(replace(FACTS, sessions=three, thresholds=a_minute))
    assert (problem.check, problem.severity) == ("long_transactions", "warning")
    assert "pg_terminate_backend(61)" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(long_transactions.check(FACTS)) == []
