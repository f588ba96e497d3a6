# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions on standbys follow the OID."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Standby
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import standbys
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_each_standby_is_listed_with_the_statement_that_ends_its_sessions() -> None:
    log = replace(FACTS.wal, standbys=(Standby("one", "local", "streaming", 0),))
    (problem,) = standbys.check(replace(FACTS, wal=log))
    assert (problem.check, problem.severity) == ("standbys", "warning")
    assert "one (local, streaming)" in problem.what
    assert "datid = 16384" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(standbys.check(FACTS)) == []
