# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows that the role does not see."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import row_level_security
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_hidden_rows_are_an_error_with_the_right_that_is_missing() -> None:
    (problem,) = row_level_security.check(replace(FACTS, hidden_rows=("public.secrets",)))
    assert (problem.check, problem.severity) == ("row_level_security", "error")
    assert problem.remedy.startswith('ALTER ROLE "app" BYPASSRLS')
    assert problem.remedy.endswith("the owner, too: ALTER TABLE public.secrets NO FORCE ROW LEVEL SECURITY")


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(row_level_security.check(FACTS)) == []
