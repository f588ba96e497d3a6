# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of a restore has its room where it is."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Slot
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import wal_disk
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Facts
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def _log(free: int, device: int) -> Facts:
    return replace(FACTS, wal=replace(FACTS.wal, filesystem=Filesystem("/wal", free, device)))


def test_a_log_on_its_own_disk_needs_its_room_there() -> None:
    kept = FACTS.wal.kept_of(FACTS.wal_bytes)
    (problem,) = wal_disk.check(_log(kept - 1, device=3))
    assert (problem.check, problem.severity) == ("wal_disk", "error")
    assert problem.what.startswith("/wal has")
    assert list(wal_disk.check(_log(kept, device=3))) == []


def test_a_log_beside_the_data_is_counted_there() -> None:
    assert list(wal_disk.check(_log(0, device=2))) == []


def test_the_server_recycles_its_log_unless_a_slot_holds_it_back() -> None:
    slot = Slot("standby", "physical", "", active=False, status="reserved", safe_bytes=None)
    recycled = replace(FACTS.wal, most_bytes=10)
    assert recycled.kept_of(1000) == 10
    assert replace(recycled, slots=(slot,)).kept_of(1000) == 1000
    assert replace(recycled, slots=(replace(slot, status="lost"),)).kept_of(1000) == 10


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(wal_disk.check(FACTS)) == []
