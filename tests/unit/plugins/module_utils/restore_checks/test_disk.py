# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Old and new are there at once, and the write-ahead log of the new one."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks import disk
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.wal import Slot
from ansible_collections.pgsafe.migration.tests.unit.samples import RESTORE_FACTS

BYTES = RESTORE_FACTS.intent.manifest.database_bytes
SLOT = Slot("standby", "physical", "", active=False, status="reserved", safe_bytes=None)


def _with(free: int, free_for_wal: int, shared: bool, slots: tuple[Slot, ...] = ()) -> Facts:
    log = replace(RESTORE_FACTS.wal, filesystem=Filesystem("/wal", free_for_wal, 1 if shared else 2), slots=slots)
    return replace(RESTORE_FACTS, data_filesystem=Filesystem("/data", free, 1), wal=log)


def test_a_log_on_the_same_filesystem_needs_its_room_there() -> None:
    assert list(disk.check(_with(2 * BYTES, 2 * BYTES, shared=True))) == []
    (problem,) = disk.check(_with(2 * BYTES - 1, 2 * BYTES - 1, shared=True))
    assert problem.what.startswith("/data has")


def test_a_log_on_its_own_filesystem_needs_its_room_there() -> None:
    assert list(disk.check(_with(BYTES, BYTES, shared=False))) == []
    (problem,) = disk.check(_with(BYTES, BYTES - 1, shared=False))
    assert problem.what.startswith("/wal has")


def test_the_server_recycles_its_log_unless_a_slot_holds_it_back() -> None:
    recycled = replace(RESTORE_FACTS.wal, most_bytes=10)
    assert recycled.kept_of(1000) == 10
    assert replace(recycled, slots=(SLOT,)).kept_of(1000) == 1000
    assert replace(recycled, slots=(replace(SLOT, status="lost"),)).kept_of(1000) == 10
