# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who waits for a lock, and behind whom."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import lock_waits
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import LockWait
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_wait_names_the_holder_and_the_way_to_end_it() -> None:
    wait = LockWait(7, "app", "public.members", 90, (8, 0))
    (problem,) = lock_waits.check(replace(FACTS, lock_waits=(wait,)))
    assert (problem.check, problem.severity) == ("lock_waits", "warning")
    assert "90 s for a lock on public.members, blocked by pid 8, a prepared transaction" in problem.what
    assert problem.remedy.endswith("SELECT pg_terminate_backend(8)")


def test_a_wait_for_a_prepared_transaction_alone_is_told_where_to_look() -> None:
    (problem,) = lock_waits.check(replace(FACTS, lock_waits=(LockWait(7, "app", "", 1, (0,)),)))
    assert "pg_prepared_xacts" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(lock_waits.check(FACTS)) == []
