# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Slots and subscriptions stay with a database that is replaced."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Slot
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import replication
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Subscription
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

SLOT = Slot("cdc", "logical", "app", active=True, status="reserved", safe_bytes=None)


def test_a_logical_slot_of_this_database_alone_is_an_error() -> None:
    slots = (SLOT, replace(SLOT, name="other", database="elsewhere"), replace(SLOT, kind="physical", database=""))
    (problem,) = replication.check(replace(FACTS, wal=replace(FACTS.wal, slots=slots)))
    assert problem.severity == "error"
    assert "pg_drop_replication_slot('cdc')" in problem.remedy


def test_an_enabled_subscription_is_an_error_and_a_disabled_one_a_warning() -> None:
    two = (Subscription("sub", enabled=True), Subscription("old", enabled=False))
    enabled, disabled = replication.check(replace(FACTS, subscriptions=two))
    assert (enabled.severity, disabled.severity) == ("error", "warning")
    assert 'DROP SUBSCRIPTION "sub"' in enabled.remedy


def test_a_new_database_beside_the_live_one_minds_neither() -> None:
    facts = replace(FACTS, database="", subscriptions=(Subscription("sub", enabled=True),))
    assert list(replication.check(facts)) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(replication.check(FACTS)) == []
