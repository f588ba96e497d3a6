# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What endangers a server while a copy is restored, and when it is too late to go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies.watch import (
    DANGERS,
    Limits,
    RestoreWatch,
    breaches,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Archiver, Slot, Standby, Wal
from ansible_collections.pgsafe.migration.tests.unit.samples import GIB, RESTORE_FACTS

WAL = RESTORE_FACTS.wal
SLOT = Slot("s", "physical", "", active=True, status="reserved", safe_bytes=GIB)
ARCHIVER = Archiver(7, 0, failing=False, last_failed="")
FAILING = Archiver(7, 1, failing=True, last_failed="000000010000000000000007")


def _free(count: int | None) -> Wal:
    return replace(WAL, filesystem=Filesystem("/pg_wal", count, 1))


def _told(before: Wal, now: Wal, limits: Limits | None = None) -> list[str]:
    return [breach.what for breach in breaches(limits or Limits(), before, now)]


def test_a_disk_that_runs_full_is_told() -> None:
    assert _told(_free(10 * GIB), _free(GIB)) == []
    assert _told(_free(10 * GIB), _free(GIB - 1)) == ["the filesystem of /pg_wal has less than 1.0G free"]
    assert _told(_free(None), _free(None)) == []


def test_a_disk_that_was_nearly_full_at_first_may_lose_half_of_what_was_left() -> None:
    assert _told(_free(GIB), _free(GIB // 2)) == []
    assert len(_told(_free(GIB), _free(GIB // 2 - 1))) == 1


def test_the_disk_of_the_copy_may_be_filled_but_for_a_tenth() -> None:
    watch = RestoreWatch(Limits(), WAL, Filesystem("/data", 5 * GIB, 1))
    watch.note_disk(Filesystem("/data", GIB // 2, 1))
    assert watch.progress() == 0
    watch.note_disk(Filesystem("/data", GIB // 2 - 1, 1))
    with pytest.raises(Refused, match="the filesystem of /data has less than 512M free"):
        watch.progress()


@pytest.mark.parametrize(("status", "count"), [("reserved", 0), ("extended", 0), ("unreserved", 1), ("lost", 1)])
def test_a_slot_is_in_danger_when_the_server_may_drop_its_log(status: str, count: int) -> None:
    now = replace(WAL, slots=(replace(SLOT, status=status),))
    assert len(_told(replace(WAL, slots=(SLOT,)), now)) == count
    assert _told(now, now) == []


def test_a_standby_may_lag_as_far_as_was_said() -> None:
    now = replace(WAL, standbys=(Standby("a", "local", "streaming", GIB),))
    assert _told(WAL, now) == []
    assert _told(WAL, now, Limits(lag_bytes=GIB)) == []
    assert _told(WAL, now, Limits(lag_bytes=GIB // 2)) == ["the standby a is more than 512M behind"]


def test_an_archiver_that_begins_to_fail_is_told() -> None:
    failing = replace(WAL, archiver=FAILING)
    assert _told(replace(WAL, archiver=ARCHIVER), failing) == ["the archiver fails with 000000010000000000000007"]
    assert _told(failing, failing) == []


def test_a_breach_gives_the_restore_up_or_is_told_once() -> None:
    before = _free(10 * GIB)
    for dangers in (frozenset(DANGERS), frozenset({"slot"})):
        watch = RestoreWatch(Limits(give_up_on=dangers), before)
        assert watch.progress() == 0
        watch.note_log(_free(0))
        watch.note_log(_free(0))
        assert len(watch.told) == 1
        if "disk" in dangers:
            with pytest.raises(Refused, match=r"less than 1\.0G free"):
                watch.progress()
        else:
            assert watch.progress() == 0


def test_only_work_moves_the_number() -> None:
    watch = RestoreWatch(Limits(), WAL)
    watch.note_work(0, 0)
    idle = watch.progress()
    watch.note_work(0, 100)
    copying = watch.progress()
    watch.note_work(2, 100)
    assert [idle, copying, watch.progress()] == [0, 1, 2]


def test_a_full_disk_alone_gives_a_restore_up_unless_somebody_wants_more() -> None:
    assert Limits().give_up_on == {"disk"}
