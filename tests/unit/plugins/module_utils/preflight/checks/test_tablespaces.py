# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tablespaces that a copy rests on."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import tablespaces
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_one_that_is_not_there_and_one_that_the_role_may_not_use_are_errors() -> None:
    wanted = replace(FACTS.wanted, tablespaces=("closed", "fast", "gone"))
    closed, gone = tablespaces.check(replace(FACTS, wanted=wanted, usable_tablespaces={"closed": False, "fast": True}))
    assert (closed.check, closed.severity, gone.severity) == ("tablespaces", "error", "error")
    assert closed.remedy == 'GRANT CREATE ON TABLESPACE "closed" TO "app"'
    assert 'CREATE TABLESPACE "gone"' in gone.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(tablespaces.check(FACTS)) == []
