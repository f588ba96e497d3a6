# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other sessions are ended before a migration."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import sessions
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import SessionFact
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

IDLE = SessionFact(4711, "app", "web", "10.0.0.1", "idle", 0)


def test_other_sessions_are_one_warning_that_names_them() -> None:
    (problem,) = sessions.check(replace(FACTS, sessions=(IDLE, replace(IDLE, pid=4712, application=""))))
    assert problem.severity == "warning"
    assert "pid 4711 (app, web from 10.0.0.1, idle)" in problem.what
    assert "pid 4712 (app, no application name" in problem.what


def test_many_sessions_are_counted_and_five_shown() -> None:
    (problem,) = sessions.check(replace(FACTS, sessions=tuple(replace(IDLE, pid=pid) for pid in range(8))))
    assert problem.what.count("pid ") == 5
    assert problem.what.startswith("8 other sessions")
    assert "and 3 more" in problem.what


def test_a_long_transaction_is_a_warning_of_its_own_with_the_way_to_end_it() -> None:
    found = list(sessions.check(replace(FACTS, sessions=(replace(IDLE, transaction_seconds=301), IDLE))))
    assert len(found) == 2
    assert "pg_terminate_backend(4711)" in found[1].remedy


def test_nobody_else_is_no_problem() -> None:
    assert list(sessions.check(FACTS)) == []
