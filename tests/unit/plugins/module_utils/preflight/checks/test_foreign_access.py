# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy reaches real servers."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import foreign_access
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_foreign_servers_and_dblink_are_named() -> None:
    wanted = replace(FACTS.wanted, foreign_servers=("far",), extensions={"dblink": "1.2"})
    (problem,) = foreign_access.check(replace(FACTS, wanted=wanted))
    assert (problem.check, problem.severity) == ("foreign_access", "warning")
    assert "the foreign server far, the extension dblink" in problem.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(foreign_access.check(FACTS)) == []
