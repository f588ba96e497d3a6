# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A standby cannot be migrated."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import standby
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_standby_is_an_error() -> None:
    (problem,) = standby.check(replace(FACTS, standby=True))
    assert problem.severity == "error"
    assert problem.what == "The server is a standby, which is read-only."
    assert "primary" in problem.remedy


def test_a_standby_points_at_the_server_that_it_follows() -> None:
    (problem,) = standby.check(replace(FACTS, standby=True, followed="db1:5432"))
    assert problem.what.endswith("It follows db1:5432.")


def test_a_primary_is_no_problem() -> None:
    assert list(standby.check(FACTS)) == []
