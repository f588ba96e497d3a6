# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role may not read."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import table_privileges
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_five_are_named_and_the_others_counted() -> None:
    (problem,) = table_privileges.check(replace(FACTS, unreadable=tuple(f"public.t{n}" for n in range(7))))
    assert (problem.check, problem.severity) == ("table_privileges", "error")
    assert "public.t4 and 2 more" in problem.what
    assert 'GRANT SELECT on these, and USAGE on their schemas, to "app"' in problem.remedy
    assert "pg_read_all_data" not in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(table_privileges.check(FACTS)) == []
