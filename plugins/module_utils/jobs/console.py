# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lines of the console: a tick for what was done, a cross for what was not, no tick for what is only foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..audit.finding import Finding
from ..audit.report import AuditReport
from ..backup_set import manifest as manifests
from ..foreign_text import lines as foreign_lines
from ..foreign_text import visible
from ..journal.verdicts import Verdict
from ..names import quoted
from ..retention import rules
from ..retention.stored import Condition
from ..text import CROSS, TICK, duration, equal, size

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ..backup.places import Copied
    from ..compare.run import Comparison, TableComparison
    from ..fence.run import Fenced, FenceRequest, Lifted
    from ..guard.status import RunStatus
    from ..migrate.run import MigrationFailed, Outcome, Plan
    from ..migrate.verification.result import Verification
    from ..postgres.wal import Wal
    from ..preflight.checks.check import Facts
    from ..preflight.run import Preflight
    from ..restore.forecast import Forecast
    from ..restore.history import Undone
    from ..restore.kept import Decision as KeptDecision
    from ..restore.recover import Recovered
    from ..restore.rollback import Restored
    from ..restore.run import RestorePlan
    from ..retention.pin import Pinned
    from ..retention.prune import Pruned
    from ..retention.stored import StoredBackup
    from ..tables import recover as tables_recover
    from ..tables.extract import Extracted
    from ..verify.findings import BackupProof

FORESEEN = "[ ]"
_MOST_TABLES = 12
_MOST_FINDINGS = 30


def preflight(found: Preflight) -> list[str]:
    facts = found.facts
    about = f"PostgreSQL {facts.server_version_text}, {facts.database} has {size(facts.database_bytes)}"
    lines = [f"{CROSS if found.errors else TICK} Preflight: {about} in {facts.tables} tables"]
    lines.append(f"[info] A backup is expected to have {size(facts.backup_size.bytes)}{_foreseen_time(facts)}")
    return lines + [f"[{problem.severity}] {problem.told}" for problem in found.problems]


def _foreseen_time(facts: Facts) -> str:
    least, most = facts.unavailable_seconds, facts.unavailable_most
    if least is None or most is None or not facts.read_only_fence:
        return ""
    return f"; {duration(least)} to {duration(most)} without writes before the migration, an estimate"


def audit(found: AuditReport) -> list[str]:
    """Notes and guesses are counted; the report has them."""
    rows, findings = sum(found.rows.values()), found.findings
    told = [finding for severity in ("error", "warning") for finding in findings if finding.severity == severity]
    sign = CROSS if any(finding.blocks for finding in told) else TICK
    counted = f"{_count(len(told), 'finding')}, {_count(len(findings) - len(told), 'note')}"
    about = f"{rows:,} rows in {len(found.rows)} tables, {counted}"
    more = [f"... and {len(told) - _MOST_FINDINGS} more findings"] if len(told) > _MOST_FINDINGS else []
    return [f"{sign} Audit: {about}", *[_audited(finding) for finding in told[:_MOST_FINDINGS]], *more]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _audited(finding: Finding) -> str:
    keys = f" Keys, masked: {', '.join(finding.samples)}." if finding.samples else ""
    waived = f" Waived: {finding.waived}" if finding.waived else ""
    return f"[{finding.severity}] {finding.what}{keys} {finding.remedy}{waived}".rstrip()


def status(found: Sequence[RunStatus]) -> list[str]:
    """A line a run, and what to do about it where something is left."""
    lines = []
    for of in found:
        sign = TICK if of.well else CROSS
        lines.append(f"{sign} {of.run_id} {of.database}: {of.standing} ({of.phase} since {of.since})")
        if of.by_hand:
            lines.append(f"[info] The next run finishes or undoes it. At once, without Ansible: {of.by_hand}")
    return lines or [f"{TICK} There is no run"]


def recover(found: Recovered, foreseen: bool) -> list[str]:
    lines = [f"{FORESEEN if foreseen else TICK} {line}" for line in found.done]
    lines += [f"[warning] {warning}" for warning in found.warnings]
    return lines + [
        f"[info] The database {name} ({size(bytes_kept)}) is kept from a rollback; when it is no longer needed: "
        f"DROP DATABASE {quoted(name)}"
        for name, bytes_kept in found.kept.items()
    ]


_STAYS = {
    "closed": "stays open for writing until the migration; a rollback loses what is written until then",
    "none": "stays open for writing; a rollback loses what others write",
}


def fence(request: FenceRequest, raised: Fenced) -> list[str]:
    name = request.target.dbname
    if raised.kind in _STAYS:
        return [f"[warning] {name} {_STAYS[raised.kind]}{f' ({request.reason})' if request.reason else ''}"]
    return [f"{TICK} {name} is read-only for everybody else ({raised.sessions_ended} sessions ended)"]


def fence_foreseen(request: FenceRequest, sessions: int) -> list[str]:
    name = request.target.dbname
    if request.kind in _STAYS:
        return [f"{FORESEEN} {name} {_STAYS[request.kind]}"]
    return [f"{FORESEEN} {name} would be read-only for everybody else ({sessions} sessions would be ended)"]


def lifted(found: Lifted) -> list[str]:
    lines = [f"{TICK} {found.database} is open for everybody again"] if found.opened else []
    return lines + [f"[warning] After the opening: {failure}" for failure in found.failures]


def backup_foreseen(database_bytes: int, tables: int) -> list[str]:
    return [f"{FORESEEN} A backup of {size(database_bytes)} in {tables} tables would be taken"]


def backup(directory: str, of: manifests.Manifest, swept: Sequence[str] = ()) -> list[str]:
    archive, script = of.file("dump"), of.file("sql")
    csv_bytes = sum(file.size for file in of.csv_files)
    lines = [f"{TICK} Removed what a dead run left unfinished: {path}" for path in swept]
    lines += [f"[warning] {warning}" for warning in of.warnings]
    if archive:
        lines.append(f"{TICK} Backup created: {directory}/{archive.name} ({size(archive.size)})")
    if script:
        lines.append(f"{TICK} SQL backup created: {directory}/{script.name} ({size(script.size)})")
    lines.append(f"{TICK} CSV exports created ({len(of.csv_files)} tables, {size(csv_bytes)})")
    held = duration(of.seconds.get("snapshot_held", 0.0))
    lines.append(f"{TICK} Backup manifest created (one snapshot at {of.snapshot_lsn}, held for {held})")
    return lines


def verify_foreseen(level: str) -> list[str]:
    return [f"{FORESEEN} The backup would be verified to the level {level}"]


def verify(found: BackupProof) -> list[str]:
    if found.findings:
        return [f"{CROSS} {finding.as_text()}" for finding in found.findings]
    archive = found.manifest.file("dump") if found.manifest else None
    spent = ", ".join(f"{level} {duration(seconds)}" for level, seconds in found.seconds.items())
    lines = [f"{TICK} Backup integrity verified: level {found.reached} ({spent})"]
    lines += [f"[info] {note}" for note in found.notes]
    if found.verified_copy:
        lines.append(f"{TICK} The verified copy {found.verified_copy} is kept, closed, until the verdict")
    if found.reached == "restore" and found.manifest:
        mode = found.manifest.fingerprint.mode
        lines.append(f"{TICK} The restored copy is {equal(mode)} (fingerprint: {mode})")
    return lines + ([f"{TICK} Backup checksum: {archive.sha256[:16]}..."] if archive else [])


def plan(found: Plan) -> list[str]:
    what = f"{len(found.steps)} steps, digest {found.digest[:16]}..."
    if not found.pending:
        by = f"all of the migration set was applied and verified before ({what})"
        by = f"{found.asked} says so" if found.asked else by
        return [f"{TICK} Nothing is pending: {by}", *_version(found)]
    known = len(found.steps) - len(found.files) - len(found.baseline)
    lines = [f"{TICK} Applied before: {known} of {len(found.steps)} files"] if known else []
    lines += [f"{FORESEEN} Baseline, recorded as applied and not run: {name}" for name in found.baseline]
    return lines + [f"{FORESEEN} Pending: {name}" for name in found.files] + _version(found)


def _version(found: Plan) -> list[str]:
    return [f"[info] Version: {visible(found.version)}"] if found.version else []


def armed(name: str) -> list[str]:
    return [f"{TICK} The database is closed for everybody else; the tasks find it as {name}"]


def backups(found: Sequence[StoredBackup], root: Path, now: datetime) -> list[str]:
    """A line for each backup, and how many there are."""
    proven, total = sum(backup.proven for backup in found), sum(backup.bytes for backup in found)
    counted = f"{_count(len(found), 'backup')} under {root}, {proven} of them proven, {size(total)}"
    return [f"{TICK if found else CROSS} {counted}", *[_backup(backup, now) for backup in found]]


def _backup(backup: StoredBackup, now: datetime) -> str:
    sound = backup.condition in (Condition.COMPLETE, Condition.IN_USE)
    told = [
        "" if backup.condition is Condition.COMPLETE else f"{backup.condition}",
        backup.problem,
        size(backup.bytes),
        f"{rules.days(now - backup.created)} old",
        f"proven ({backup.level})" if backup.level else "not proven",
        backup.verdict.replace("_", " "),
        f"pinned: {backup.pinned}" if backup.pinned else "",
        "latest" if backup.latest else "",
    ]
    return f"{TICK if sound else CROSS} {_named(backup)}: {visible(', '.join(filter(None, told)))}"


def _named(backup: StoredBackup) -> str:
    return f"{backup.run_id} {visible(backup.database)}"


def pruned(found: Pruned, foreseen: bool) -> list[str]:
    """What goes, what stays, and why."""
    removed = f"{FORESEEN} Would remove" if foreseen else f"{TICK} Removed"
    lines = [
        f"{removed if decision.removed else f'{TICK} Kept'} {_named(decision.backup)}, {size(decision.backup.bytes)}: "
        f"{visible(decision.reason)}"
        for decision in found.decisions
    ]
    number, kept = len(found.removed), len(found.decisions) - len(found.removed)
    return [*lines, f"{removed} {_count(number, 'backup')}, {size(found.freed)}; {kept} kept"]


def pinned(found: Pinned) -> list[str]:
    named = _named(found.backup)
    return [f"{TICK} Pinned {named}: {visible(found.reason)}" if found.reason else f"{TICK} Unpinned {named}"]


def copied(found: Sequence[Copied], foreseen: bool) -> list[str]:
    """A line for each place."""
    return [_copied_to(copied, foreseen) for copied in found]


def _copied_to(copied: Copied, foreseen: bool) -> str:
    directory = visible(str(copied.backup_dir))
    if copied.problem:
        mark = CROSS if copied.place.required else "[warning]"
        return f"{mark} No copy at {visible(str(copied.place.path))}: {visible(copied.problem)}"
    if not copied.made:
        return f"{TICK} {directory} is there already" + ("" if foreseen else ", and whole")
    done = f"{FORESEEN} Would copy" if foreseen else f"{TICK} Copied"
    return f"{done} {size(copied.bytes)} to {directory}" + ("" if foreseen else ", and read back")


def comparison(found: Comparison) -> list[str]:
    """A line for each table that differs, and the first keys of each difference."""
    differing = [table for table in found.tables if not table.equal]
    lines = [line for table in differing for line in _compared(table, found)]
    for labels, name in ((found.only_here, found.here), (found.only_there, found.there)):
        lines += [f"{CROSS} {visible(label)}: only in {visible(name)}" for label in labels]
    names = f"{visible(found.here)} and {visible(found.there)}"
    if found.equal:
        return [f"{TICK} {names}: the rows of {_count(len(found.tables), 'table')} are equal"]
    number = len(differing) + len(found.only_here) + len(found.only_there)
    written = [f"{TICK} {_count(found.statements, 'statement')} written, and not run"] if found.statements else []
    equal_tables = len(found.tables) - len(differing)
    return [f"{CROSS} {names}: tables that differ: {number}, equal: {equal_tables}", *lines, *written]


def _compared(table: TableComparison, found: Comparison) -> list[str]:
    counts, here, there = table.counts, visible(found.here), visible(found.there)
    told = [
        f"{table.rows_here:,} rows in {here}, {table.rows_there:,} in {there}",
        *[f"{counts[kind]:,} {_KINDS[kind].format(here=here, there=there)}" for kind in counts if counts[kind]],
        "" if table.key else "no key in both: whole rows were counted",
        *[f"column {visible(name)} only in {here}, not compared" for name in table.columns_here],
        *[f"column {visible(name)} only in {there}, not compared" for name in table.columns_there],
    ]
    lines = [f"{CROSS} {visible(table.label)}: {'; '.join(filter(None, told))}"]
    for kind, keys in table.shown.items():
        more = counts[kind] - len(keys)
        if keys:
            named = _KINDS[kind].format(here=here, there=there)
            listed = f"{', '.join(map(visible, keys))}{f' and {more:,} more' if more else ''}"
            lines.append(f"    {named}, by ({', '.join(map(visible, table.key))}): {listed}")
    return lines


_KINDS = {"only_here": "only in {here}", "only_there": "only in {there}", "different": "different"}


def kept(decisions: Sequence[KeptDecision], foreseen: bool) -> list[str]:
    """What is dropped of the kept databases, what stays, and why; nothing where there is none."""
    lines = [_kept(decision, foreseen) for decision in decisions]
    total = sum(decision.database.bytes for decision in decisions)
    counted = f"{TICK} {_count(len(decisions), 'database')} kept beside the live one, {size(total)}"
    return [counted, *lines] if lines else []


def _kept(decision: KeptDecision, foreseen: bool) -> str:
    found, sign = decision.database, f"{TICK} Kept"
    if decision.due and foreseen:
        sign = f"{FORESEEN} Would drop, once it is confirmed,"
    if decision.dropped:
        sign = f"{TICK} Dropped"
    since = f"since {found.since:%Y-%m-%d %H:%M} UTC, " if found.since else ""
    where = f"backup {found.backup_dir}, " if found.backup_dir else ""
    return f"{sign} {visible(found.name)}, {size(found.bytes)}, {since}{visible(where)}{visible(decision.reason)}"


def migrate(outcome: Outcome) -> list[str]:
    lines = [f"{TICK} Other sessions ended: {outcome.sessions_ended}"]
    lines += [f"{TICK} Applied: {name}" for name in outcome.applied]
    lines += [f"{TICK} Version: {visible(change.told)}" for change in outcome.versions if change.after is not None]
    lines += _warned(outcome.verification.found) if outcome.verification else []
    lines.append(f"{TICK} Migration verified and complete in {duration(outcome.seconds)}")
    return lines + _times(outcome)


def verification(found: Verification) -> list[str]:
    """Of a verification by itself."""
    sign = TICK if found.passed else CROSS
    hold = sum(check.passed for check in found.checked)
    lines = [f"{sign} Verification: {len(found.tables)} tables, {hold} of {len(found.checked)} assertions hold"]
    return lines + [f"{CROSS} {problem}" for problem in found.problems] + _warned(found)


def _warned(found: Verification) -> list[str]:
    return [f"[warning] {warning}" for warning in found.warnings]


def _times(outcome: Outcome) -> list[str]:
    """How long others could not write, and how long they were not served at all."""
    closed = f"{duration(outcome.seconds_closed)} without service"
    read_only = f"{duration(outcome.seconds_read_only)} without writes, " if outcome.seconds_read_only else ""
    lines = [f"{TICK} Fence {outcome.fence}: {read_only}{closed}"] if outcome.fence != "none" else []
    return lines + [f"[warning] {warning}" for warning in outcome.warnings]


def failure(error: MigrationFailed) -> list[str]:
    """What an operator needs to know, in this order: what failed, what was done, what is left."""
    outcome = error.outcome
    lines = [f"{TICK} Applied: {name}" for name in outcome.applied]
    if outcome.verdict is Verdict.HELD:
        return [*lines, f"[ERROR] Migration failed at {error.at}! It is held.", *_said(error), error.state]
    lines += [f"[ERROR] Migration failed at {error.at}! Initiating rollback...", *_said(error)]
    if outcome.rollback is None:
        return [*lines, f"{CROSS} ROLLBACK FAILED", *[f"        {problem}" for problem in error.undo_problems]]
    return lines + _restored(outcome.rollback) + _times(outcome)


def _said(error: MigrationFailed) -> list[str]:
    return [f"        {line}" for line in foreign_lines(error.what)]


def restore(done: Restored) -> list[str]:
    return _restored(done) + [f"[warning] {warning}" for warning in done.warnings]


def _restored(done: Restored) -> list[str]:
    if done.state == "not_needed":
        return _not_needed(done)
    lines = []
    if done.state == "rolled_back":
        lines.append(f"{TICK} Step 1: Stopping active connections... {done.sessions_ended} ended")
        lines.append(f"{TICK} Step 2: Restoring from backup...")
    lines += [f"{CROSS} {failed}" for failed in done.failures]
    if done.method:
        lines.append(f"{TICK} Database restored from backup ({_SOURCES[done.method]}, {duration(done.seconds)})")
    shown = list(done.rows.items())[:_MOST_TABLES]
    lines += [f"{TICK} Restored {table}: {rows:,}" for table, rows in shown]
    if len(done.rows) > len(shown):
        lines.append(f"{TICK} ... and {len(done.rows) - len(shown)} more tables, all equal to the manifest")
    if done.kept:
        lines.append(f"{TICK} The failed database is kept as {done.kept}")
    return lines


_SOURCES = {"verified_copy": "the verified copy", "archive": manifests.ARCHIVE, "script": manifests.SCRIPT}


def restore_foreseen(found: RestorePlan) -> list[str]:
    if found.state == "not_needed":
        return [f"{FORESEEN} {found.database} was rolled back before; it would be compared with the backup"]
    lines = [f"{FORESEEN} A copy of {size(found.database_bytes)} would be restored and compared with the manifest"]
    if found.forecast:
        lines += restore_forecast(found.forecast)
    lines += [f"{FORESEEN} {line}" for line in undone(found.undone)]
    if found.state == "rolled_back":
        lines.append(f"{FORESEEN} {found.sessions} sessions of {found.database} would be ended")
        lines.append(f"{FORESEEN} {found.database} would be replaced, and kept as {found.kept}")
        lines.append("[warning] Whatever was written after the backup would be in the kept database only")
    return lines


def tables_recovered(done: tables_recover.Recovered) -> list[str]:
    side, count = visible(done.schema), _count(len(done.rows), "table")
    shown = [f"{TICK} Recovered {visible(label)} into {side}: {rows:,} rows" for label, rows in done.rows.items()]
    shown.append(f"{TICK} {count} equal to the backup, from the {done.source} in {duration(done.seconds)}")
    return [*shown, *[f"[info] Not carried over: {visible(line)}" for line in done.not_carried]]


def tables_foreseen(found: tables_recover.Recovered) -> list[str]:
    lines = [
        f"{FORESEEN} {visible(label)} would be recovered into {visible(found.schema)}: {rows:,} rows"
        for label, rows in found.rows.items()
    ]
    return lines + [f"[{problem.severity}] {problem.told}" for problem in found.problems]


def rows_extracted(done: Extracted) -> list[str]:
    found = f"{done.rows:,} of {done.of:,} rows of {visible(done.table)}"
    taken = f"from the {done.source} in {duration(done.seconds)}"
    return [f"{TICK} Extracted {found} to {visible(done.dest)}, {taken}"]


def rows_foreseen(found: Extracted) -> list[str]:
    table, dest = visible(found.table), visible(found.dest)
    return [f"{FORESEEN} Of {found.of:,} rows of {table} those that match would be written to {dest}", *found.problems]


def undone(found: Undone | None) -> list[str]:
    """Which migrations a rollback undoes, a line each, or that it undoes none."""
    if found is None:
        return []
    if found.migrations:
        return [f"Undoes the run {migration.told}" for migration in found.migrations]
    held = f"; the backup holds the last one, {found.earlier.told}" if found.earlier else ""
    return [f"Undoes NO migration{held}"]


def restore_forecast(found: Forecast) -> list[str]:
    """What a restore costs, who carries it, and everything that stands in its way."""
    facts = found.facts
    disk, manifest = facts.data_filesystem, facts.intent.manifest
    free = "unseen" if disk.free_bytes is None else size(disk.free_bytes)
    taken = "unknown (this backup was never restored)" if found.seconds is None else duration(found.seconds)
    return [
        f"{FORESEEN} Backup of {manifest.created}, {size(manifest.bytes)}; a copy of {size(manifest.database_bytes)}",
        f"{FORESEEN} Disk needed beside the live database: {size(facts.bytes_needed)}; free on {disk.path}: {free}",
        f"{FORESEEN} Write-ahead log: about {size(facts.wal_bytes)} ({_carriers(facts.wal)})",
        f"{FORESEEN} Expected time, as long as the proof took: {taken}",
        *[f"[{problem.severity}] {problem.told}" for problem in found.problems],
    ]


def _carriers(log: Wal) -> str:
    slots = [f"slot {slot.name} {slot.status}{_left(slot.safe_bytes)}" for slot in log.slots]
    standbys = [f"standby {standby.described}" for standby in log.standbys]
    archiver = [] if log.archiver is None else ["archiver failing" if log.archiver.failing else "archiver at work"]
    return ", ".join([f"wal_level {log.level}", *standbys, *slots, *archiver])


def _left(safe_bytes: int | None) -> str:
    """What may be written before max_slot_wal_keep_size is reached."""
    return "" if safe_bytes is None else f" ({size(max(0, safe_bytes))} until it is lost)"


def _not_needed(done: Restored) -> list[str]:
    if done.kept:
        return [
            f"{TICK} Rollback complete: {done.database} is restored to its pre-migration state",
            f"{TICK} The failed database is kept as {done.kept}",
        ]
    return [f"{TICK} {done.database} is as the backup holds it; nothing had to be restored"] if done.database else []
