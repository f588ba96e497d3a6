# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore or a rollback, and its forecast. A tick only for what was done."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.console import restore as console
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import RestoreState
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Archiver, Slot, Standby
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.forecast import Forecast
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    GIB,
    RESTORE_FACTS,
    ROLLED_BACK,
)


def test_a_rollback_tells_what_it_came_from_and_what_is_kept() -> None:
    lines = console.restore(replace(ROLLED_BACK, method="script", failures=("archive: broken",)))
    assert "[✗] archive: broken" in lines
    assert "[✓] Database restored from backup (full_backup.sql.gz, 4.2 s)" in lines
    assert "[✓] Restored public.members: 12,857" in lines
    assert lines[-1] == "[✓] The failed database is kept as app__failed_1"


def test_a_long_list_of_tables_is_cut_and_counted() -> None:
    lines = console.restore(replace(ROLLED_BACK, rows={f"t{number}": 1 for number in range(20)}))
    assert len([line for line in lines if line.startswith("[✓] Restored t")]) == 12
    assert "[✓] ... and 8 more tables, all equal to the manifest" in lines


def test_a_restore_to_another_name_stops_nobody() -> None:
    lines = console.restore(replace(ROLLED_BACK, state=RestoreState.RESTORED, kept=""))
    assert not [line for line in lines if "Step" in line or "kept" in line]


def test_a_rollback_that_was_not_needed_says_why() -> None:
    untouched = replace(ROLLED_BACK, state=RestoreState.NOT_NEEDED, kept="")
    assert console.restore(untouched) == ["[✓] app is as the backup holds it; nothing had to be restored"]
    assert console.restore(replace(untouched, kept="app__failed_1"))[-1].endswith("kept as app__failed_1")
    assert console.restore(replace(untouched, database="")) == []


def test_a_forecast_says_the_cost_who_carries_it_and_what_is_in_the_way() -> None:
    log = replace(
        RESTORE_FACTS.wal,
        standbys=(Standby("a", "local", "streaming", 0),),
        slots=(Slot("s", "physical", "", True, "reserved", GIB),),
        archiver=Archiver(1, 1, failing=True, last_failed="7"),
    )
    facts = replace(RESTORE_FACTS, wal=log)
    lines = console.restore_forecast(Forecast(facts, (Problem("x", "error", "It is full.", "Free it."),), 4.2))
    assert lines == [
        "[ ] Backup of 2026-11-16T14:30:22Z, 1.5M; a copy of 8.3M",
        "[ ] Disk needed beside the live database: 17M; free on /data: 100G",
        "[ ] Write-ahead log: about 8.3M (wal_level replica, standby a (local, streaming), "
        "slot s reserved (1.0G until it is lost), archiver failing)",
        "[ ] Expected time, as long as the proof took: 4.2 s",
        "[error] It is full. Free it.",
    ]


def test_a_forecast_says_what_it_does_not_know() -> None:
    unseen = replace(RESTORE_FACTS.data_filesystem, free_bytes=None)
    lines = console.restore_forecast(Forecast(replace(RESTORE_FACTS, data_filesystem=unseen), (), None))
    assert lines[1].endswith("free on /data: unseen")
    assert lines[3].endswith("unknown (this backup was never restored)")
