# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A target that ends with the play."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import execution_environment
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_the_container_of_a_job_is_an_error_that_can_be_accepted_with_a_reason() -> None:
    (problem,) = execution_environment.check(replace(FACTS, job_container="dumb-init ansible-runner worker"))
    assert (problem.check, problem.severity) == ("execution_environment", "error")
    assert "(its first process: dumb-init ansible-runner worker)" in problem.what
    assert "pg_migrate_waive: {checks: {execution_environment: REASON}}" in problem.remedy


def test_it_is_silent_about_a_host_that_stays() -> None:
    assert list(execution_environment.check(FACTS)) == []
