# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The right database, or one that is called like it."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import expected_tables
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_missing_table_is_an_error_that_asks_for_the_right_database() -> None:
    (problem,) = expected_tables.check(replace(FACTS, missing_tables=("public.a", "public.b")))
    assert (problem.check, problem.severity) == ("expected_tables", "error")
    assert "public.a, public.b" in problem.what


def test_a_database_without_any_table_is_a_warning() -> None:
    assert [problem.severity for problem in expected_tables.check(replace(FACTS, tables=0))] == ["warning"]


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(expected_tables.check(FACTS)) == []
