# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other sessions are ended."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import sessions
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import SessionFact
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

IDLE = SessionFact(4711, "app", "web", "10.0.0.1", "idle", 0)


def test_other_sessions_are_one_line_that_names_them() -> None:
    (problem,) = sessions.check(replace(FACTS, sessions=(IDLE, replace(IDLE, pid=4712, application=""))))
    assert problem.severity == "info"
    assert "pid 4711 (app, web from 10.0.0.1, idle)" in problem.what
    assert "pid 4712 (app, no application name" in problem.what


def test_many_sessions_are_counted_and_five_shown() -> None:
    (problem,) = sessions.check(replace(FACTS, sessions=tuple(replace(IDLE, pid=pid) for pid in range(8))))
    assert problem.what.count("pid ") == 5
    assert problem.what.startswith("8 sessions of app")
    assert "and 3 more" in problem.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(sessions.check(FACTS)) == []
