# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A role that the migration cannot run as is found before anything is done."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import session_role
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import SessionRole
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def _problem(wanted: SessionRole) -> Problem:
    (problem,) = session_role.check(replace(FACTS, session_role=wanted))
    assert problem.severity == "error"
    return problem


def test_a_role_that_does_not_exist_is_an_error() -> None:
    problem = _problem(SessionRole("shpo", present=False, permitted=False, powerful=False))
    assert "shpo, which does not exist" in problem.what


def test_a_role_that_may_not_be_taken_on_is_an_error_with_its_grant() -> None:
    problem = _problem(SessionRole("shop", present=True, permitted=False, powerful=False))
    assert problem.remedy == 'GRANT "shop" TO "app", or connect as a superuser or as a member of that role.'


def test_nobody_is_advised_to_grant_a_powerful_role() -> None:
    problem = _problem(SessionRole("dba", present=True, permitted=False, powerful=True))
    assert problem.remedy == "Connect as a superuser or as a member of that role."


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(session_role.check(FACTS)) == []
    taken_on = SessionRole("shop", present=True, permitted=True, powerful=False)
    assert list(session_role.check(replace(FACTS, session_role=taken_on))) == []
