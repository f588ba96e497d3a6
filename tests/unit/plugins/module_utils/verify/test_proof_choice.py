# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a backup is proven follows from the room there is and from who carries the log, and the reason says so."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Slot
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import proof_choice
from ansible_collections.pgsafe.migration.tests.unit.samples import GIB, RESTORE_FACTS

LOG = replace(RESTORE_FACTS.wal, slots=(), standbys=(), archiver=None)
ROOMY = Filesystem("/data", 100 * GIB, 2)


def test_with_room_it_is_the_verified_copy() -> None:
    found = proof_choice.choose(ROOMY, LOG, 10 * GIB, kept=True)
    assert found.proof == "verified_copy"
    assert "100G are free" in found.reason


def test_without_room_it_is_a_temporary_instance() -> None:
    found = proof_choice.choose(replace(ROOMY, free_bytes=9 * GIB), LOG, 10 * GIB, kept=True)
    assert found.proof == "temporary_instance"
    assert "/data has 9.0G free" in found.reason


def test_a_slot_that_would_be_lost_is_spared() -> None:
    slot = Slot(name="cdc", kind="logical", database="app", active=True, status="reserved", safe_bytes=GIB)
    found = proof_choice.choose(ROOMY, replace(LOG, slots=(slot,)), 10 * GIB, kept=True)
    assert found.proof == "temporary_instance"
    assert "the slot cdc would be lost" in found.reason


def test_a_slot_with_room_enough_is_told() -> None:
    slot = Slot(name="cdc", kind="logical", database="app", active=True, status="reserved", safe_bytes=None)
    found = proof_choice.choose(ROOMY, replace(LOG, slots=(slot,)), 10 * GIB, kept=True)
    assert found.proof == "verified_copy"
    assert "which the slot cdc will carry" in found.reason


def test_a_disk_that_cannot_be_seen_is_said() -> None:
    found = proof_choice.choose(Filesystem("the data directory", None, None), LOG, 10 * GIB, kept=True)
    assert found.proof == "verified_copy"
    assert "its disk cannot be seen from here" in found.reason
