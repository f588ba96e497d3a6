# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roles that a copy rests on."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import roles
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_one_that_does_not_exist_is_an_error() -> None:
    (problem,) = roles.check(replace(FACTS, wanted=replace(FACTS.wanted, roles=("app", "gone"))))
    assert (problem.check, problem.severity) == ("roles", "error")
    assert problem.remedy == 'CREATE ROLE "gone"'


def test_the_backup_that_knows_what_it_was_is_named() -> None:
    wanted = replace(FACTS.wanted, roles=("gone",), globals_file="/b/globals.sql")
    (problem,) = roles.check(replace(FACTS, wanted=wanted))
    assert problem.remedy == 'CREATE ROLE "gone" (what it was: /b/globals.sql)'


def test_the_remains_of_a_role_that_was_taken_out_by_force_are_not_made_anew() -> None:
    (problem,) = roles.check(replace(FACTS, wanted=replace(FACTS.wanted, roles=("unknown (OID=16999)",))))
    assert "refobjid = 16999" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(roles.check(FACTS)) == []
