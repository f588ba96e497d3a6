# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has to take the log of a restore."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Archiver, Slot
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import wal_carriers
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

SLOT = Slot("standby", "physical", "", active=True, status="reserved", safe_bytes=10)


def test_a_slot_that_would_be_lost_is_a_warning() -> None:
    slots = (SLOT, replace(SLOT, safe_bytes=FACTS.wal_bytes), replace(SLOT, safe_bytes=None))
    (problem,) = wal_carriers.check(replace(FACTS, wal=replace(FACTS.wal, slots=slots)))
    assert (problem.check, problem.severity) == ("wal_carriers", "warning")
    assert "max_slot_wal_keep_size = '20481MB'" in problem.remedy


def test_an_archiver_that_fails_is_a_warning() -> None:
    broken = Archiver(1, 5, failing=True, last_failed="00000001")
    (problem,) = wal_carriers.check(replace(FACTS, wal=replace(FACTS.wal, archiver=broken)))
    assert "00000001" in problem.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(wal_carriers.check(FACTS)) == []
