# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is among the system's objects and in no dump."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import not_dumped
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_what_no_dump_carries_is_an_error_that_can_be_waived() -> None:
    (problem,) = not_dumped.check(replace(FACTS, not_dumped=("function pg_catalog.mine(integer)",)))
    assert (problem.check, problem.severity) == ("not_dumped", "error")
    assert "function pg_catalog.mine(integer)" in problem.what
    assert "pg_migrate_waive" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(not_dumped.check(FACTS)) == []
