# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What another tool has applied is taken over by a baseline."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import other_histories
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_history_is_named_with_what_takes_it_over() -> None:
    tools = ("Flyway", "golang-migrate", "dbmate or Rails", "Sqitch")
    found = list(other_histories.check(replace(FACTS, other_histories=tuple((tool, "public.t") for tool in tools))))
    assert {(problem.check, problem.severity) for problem in found} == {("other_histories", "info")}
    for tool, problem in zip(tools, found):
        assert problem.what.startswith(f"public.t is a history of {tool}")
        assert "FROM public.t" in problem.remedy
        assert "pg_migrate_baseline: FILE" in problem.remedy


def test_it_is_silent_about_a_database_without_one() -> None:
    assert list(other_histories.check(FACTS)) == []
