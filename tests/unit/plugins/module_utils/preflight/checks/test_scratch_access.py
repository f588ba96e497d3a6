# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who does not get into what a run makes."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import scratch_access
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_each_attempt_that_failed_is_an_error_of_its_own() -> None:
    found = list(scratch_access.check(replace(FACTS, access_problems=("psql did not get in.", "So did psycopg2."))))
    assert [(problem.check, problem.severity) for problem in found] == [("scratch_access", "error")] * 2
    assert "app__" in found[0].remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(scratch_access.check(FACTS)) == []
