# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Slots and subscriptions stay with a database that is replaced."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import replication
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_slot_and_a_subscription_are_an_error_each() -> None:
    found = list(replication.check(replace(FACTS, logical_slots=("slot",), subscriptions=("sub",))))
    assert [problem.severity for problem in found] == ["error", "error"]
    assert "pg_drop_replication_slot('slot')" in found[0].remedy
    assert 'DROP SUBSCRIPTION "sub"' in found[1].remedy


def test_a_database_without_either_is_no_problem() -> None:
    assert list(replication.check(FACTS)) == []
