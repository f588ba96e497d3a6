# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an interrupted drop, or a killed preflight, leaves."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import invalid_databases
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_each_is_told_with_the_statement_that_drops_it() -> None:
    broken, left = invalid_databases.check(replace(FACTS, invalid_databases=('od"d',), left_probes=("app__scratch_1",)))
    assert (broken.check, broken.severity, left.severity) == ("invalid_databases", "warning", "info")
    assert broken.remedy == 'DROP DATABASE "od""d"'
    assert left.remedy == 'DROP DATABASE "app__scratch_1"'


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(invalid_databases.check(FACTS)) == []
