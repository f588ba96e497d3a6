# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tick only for what was done, a cross for what was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import finding as audited
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.report import AuditReport
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import console
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import MigrationFailed, Outcome, Plan
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.assertions import Checked
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.expectations import TableChange
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import VerificationReport
from ansible_collections.pgsafe.migration.plugins.module_utils.model import TableState
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.wal import Archiver, Slot, Standby
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.run import Preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import kept
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.forecast import Forecast
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.rollback import Restored
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.findings import BackupProof, Finding
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS, GIB, MANIFEST, NOTHING_FOUND, RESTORE_FACTS

ROLLED_BACK = Restored("rolled_back", "app", "archive", "app__failed_1", (), 3, {"public.members": 12_857}, 4.2)
OUTCOME = Outcome(Verdict.ROLLED_BACK, ("a.sql",), 2, 0, 4.2, rollback=ROLLED_BACK)


def test_a_kept_database_is_shown_with_date_backup_and_reason() -> None:
    since = datetime(2026, 11, 16, 14, 35, tzinfo=timezone.utc)
    found = kept.KeptDatabase("app__failed_1", 7, "1", since, 5 << 20, "/b/migration_1")
    due = kept.Decision(found, due=True, reason="kept for 8 days")
    told = "app__failed_1, 5.0M, since 2026-11-16 14:35 UTC, backup /b/migration_1, kept for 8 days"
    assert console.kept([due], foreseen=True) == [
        "[✓] 1 database kept beside the live one, 5.0M",
        f"[ ] Would drop, once it is confirmed, {told}",
    ]
    assert console.kept([replace(due, dropped=True)], foreseen=False)[1] == f"[✓] Dropped {told}"
    assert console.kept([due], foreseen=False)[1] == f"[✓] Kept {told}"
    assert console.kept([], foreseen=True) == []


def _ticked(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("[✓]")]


def test_the_preflight_lists_every_problem_with_its_remedy() -> None:
    found = Preflight(FACTS, (Problem("x", "error", "It is full.", "Free it."), Problem("y", "info", "So.", "")))
    assert console.preflight(found) == [
        "[✗] Preflight: PostgreSQL 15.18, app has 10G in 7 tables",
        "[info] A backup is expected to have 8.0G; 1 min 30 s to 2 min 15 s without writes before the migration, an "
        "estimate",
        "[error] It is full. Free it.",
        "[info] So.",
    ]


def _audited(*findings: Mapping[str, Any]) -> list[str]:
    plain = audited.Finding("r", "info", "s", "It is invalid.", "Fix it.")
    told = tuple(replace(plain, **finding) for finding in findings)
    return console.audit(AuditReport("2026-11-16T14:30:22Z", "app", {"a": 12_000, "b": 857}, told, {}))


def test_the_audit_counts_rows_tables_and_findings_and_tells_no_guesses() -> None:
    assert _audited({"severity": "warning"}, {"severity": "info"}) == [
        "[✓] Audit: 12,857 rows in 2 tables, 1 finding, 1 note",
        "[warning] It is invalid. Fix it.",
    ]


def test_an_error_of_the_audit_is_crossed_unless_somebody_takes_it_upon_himself() -> None:
    error = {"severity": "error", "samples": ("1", "a…(4)")}
    assert _audited(error) == [
        "[✗] Audit: 12,857 rows in 2 tables, 1 finding, 0 notes",
        "[error] It is invalid. Keys, masked: 1, a…(4). Fix it.",
    ]
    assert _audited({**error, "waived": "known"}) == [
        "[✓] Audit: 12,857 rows in 2 tables, 1 finding, 0 notes",
        "[error] It is invalid. Keys, masked: 1, a…(4). Fix it. Waived: known",
    ]


def test_of_very_many_findings_the_first_are_told_errors_before_warnings() -> None:
    lines = _audited(*[{"severity": "warning"}] * 40, {"severity": "error"})
    assert lines[1].startswith("[error]")
    assert lines[-2].startswith("[warning]")
    assert (len(lines), lines[-1]) == (32, "... and 11 more findings")


def test_a_backup_names_its_files_and_what_was_swept_and_warned_of() -> None:
    lines = console.backup("/b", MANIFEST, ["/b/dead"])
    assert "[✓] Removed what a dead run left unfinished: /b/dead" in lines
    assert "[warning] somebody waited" in lines
    assert "[✓] Backup created: /b/full_backup.dump (1.0M)" in lines
    assert "[✓] SQL backup created: /b/full_backup.sql.gz (512K)" in lines
    assert "[✓] CSV exports created (2 tables, 3.0K)" in lines


@pytest.mark.parametrize(
    "lines",
    [
        console.backup_foreseen(1024, 7),
        console.verify_foreseen("restore"),
        console.plan(Plan("d" * 64, ["a.sql"], ["a.sql"], [], 0)),
    ],
)
def test_what_is_only_foreseen_has_no_tick(lines: list[str]) -> None:
    assert lines
    assert _ticked(lines) == []


def test_a_plan_without_anything_to_do_says_so() -> None:
    (line,) = console.plan(Plan("d" * 64, ["a.sql"], [], [], 0))
    told = f"all of the migration set was applied and verified before (1 steps, digest {'d' * 16}...)"
    assert line == f"[✓] Nothing is pending: {told}"


def test_a_plan_tells_what_is_pending_from_what_was_applied_and_from_a_baseline() -> None:
    found = Plan("d" * 64, ["1.sql", "2.sql", "3.sql"], ["3.sql"], ["2.sql"], 0)
    assert console.plan(found) == [
        "[✓] Applied before: 1 of 3 files",
        "[ ] Baseline, recorded as applied and not run: 2.sql",
        "[ ] Pending: 3.sql",
    ]


def test_a_backup_that_is_proven_shows_its_level_and_checksum() -> None:
    lines = console.verify(BackupProof("restore", (), {"checksum": 0.1, "restore": 4.2}, MANIFEST))
    assert lines == [
        "[✓] Backup integrity verified: level restore (checksum 0.1 s, restore 4.2 s)",
        "[✓] The restored copy is equal (fingerprint: full)",
        f"[✓] Backup checksum: {'a' * 16}...",
    ]


@pytest.mark.parametrize(
    ("mode", "promise"), [("sampled", "equal as far as sampled"), ("counts", "equal in the number of rows")]
)
def test_a_proof_by_less_than_every_row_says_so(mode: str, promise: str) -> None:
    state = TableState(3, "", mode)
    less = replace(MANIFEST, fingerprint=replace(MANIFEST.fingerprint, tables={"public.members": state}))
    proven = console.verify(BackupProof("restore", (), {}, less))
    assert f"[✓] The restored copy is {promise} (fingerprint: {mode})" in proven
    assert not [line for line in console.verify(BackupProof("decode", (), {}, less)) if promise in line]


def test_a_backup_that_is_not_proven_has_crosses_alone() -> None:
    lines = console.verify(BackupProof("checksum", (Finding("x.csv", "is missing"), Finding("", "so")), {}, MANIFEST))
    assert lines == ["[✗] x.csv: is missing", "[✗] so"]


def test_a_migration_lists_what_was_applied() -> None:
    assert "[✓] Applied: a.sql" in console.migrate(OUTCOME)


def test_a_failure_tells_the_cause_before_the_rollback() -> None:
    error = MigrationFailed(PgsafeError("psql ended with status 3"), OUTCOME, "It is as before.", "")
    lines = console.failure(error)
    assert lines[0] == "[✓] Applied: a.sql"
    assert lines[1].startswith("[ERROR] Migration failed at ")
    assert lines[2].strip() == "psql ended with status 3"
    assert lines[3] == "[✓] Step 1: Stopping active connections... 3 ended"


def test_a_rollback_that_failed_has_no_tick_but_those_of_the_files() -> None:
    cause = PgsafeError("broken").joined("no server")
    lines = console.failure(MigrationFailed(cause, replace(OUTCOME, rollback=None), "", ""))
    assert "[✗] ROLLBACK FAILED" in lines
    assert lines[-1].strip() == "no server"
    assert _ticked(lines) == ["[✓] Applied: a.sql"]


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
    lines = console.restore(replace(ROLLED_BACK, state="restored", kept=""))
    assert not [line for line in lines if "Step" in line or "kept" in line]


def test_a_rollback_that_was_not_needed_says_why() -> None:
    untouched = replace(ROLLED_BACK, state="not_needed", kept="")
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


def test_a_verification_by_itself_counts_and_tells_what_fails() -> None:
    found = replace(
        NOTHING_FOUND,
        tables=(TableChange("public.a", 1, 1, "", "same"), TableChange("public.b", 1, 0, "", "LOST 1")),
        checked=(Checked("one", True, ""), Checked("other", False, "3 rows exist that must not")),
        problems=("It is gone.",),
        warnings=("It was slow.",),
    )
    assert console.verification(found) == [
        "[✗] Verification: 2 tables, 1 of 2 assertions hold",
        "[✗] It is gone.",
        "[warning] It was slow.",
    ]
    assert console.verification(replace(found, problems=(), warnings=())) == [
        "[✓] Verification: 2 tables, 1 of 2 assertions hold",
    ]


def test_a_migration_shows_what_its_verification_warns_of() -> None:
    found = replace(NOTHING_FOUND, warnings=("The index x is gone.",))
    done = replace(
        OUTCOME, verdict=Verdict.MIGRATED, rollback=None, verification=VerificationReport.of(found, MANIFEST)
    )
    assert "[warning] The index x is gone." in console.migrate(done)


def test_a_held_migration_says_every_problem_and_rolls_nothing_back() -> None:
    error = MigrationFailed(
        PgsafeError("It failed:\n  one\n  two"), replace(OUTCOME, verdict=Verdict.HELD), "It is held.", ""
    )
    lines = console.failure(error)
    assert lines[1].endswith("It is held.")
    assert lines[2:] == ["        It failed:", "            |   one", "            |   two", "It is held."]
    assert not [line for line in lines if "ollback" in line]
