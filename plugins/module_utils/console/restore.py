# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore or a rollback, and its forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backup_set import manifest as manifests
from ..foreign_text import visible
from ..journal.verdicts import RestoreState
from ..text import CROSS, FORESEEN, TICK, duration, size

if TYPE_CHECKING:
    from ..postgres.wal import Wal
    from ..restore.forecast import Forecast
    from ..restore.history import Undone
    from ..restore.rollback import Restored
    from ..restore.run import RestorePlan

_MOST_TABLES = 12
_SOURCES = {
    "verified_copy": "the verified copy",
    "file_copy": "the copy of its files",
    "archive": manifests.ARCHIVE,
    "script": manifests.SCRIPT,
}


def restore(done: Restored) -> list[str]:
    return restored(done) + [f"[warning] {warning}" for warning in done.warnings]


def restored(done: Restored) -> list[str]:
    if done.state is RestoreState.NOT_NEEDED:
        return _not_needed(done)
    lines = []
    if done.state is RestoreState.ROLLED_BACK:
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


def restore_foreseen(found: RestorePlan) -> list[str]:
    if found.state is RestoreState.NOT_NEEDED:
        return [f"{FORESEEN} {found.database} was rolled back before; it would be compared with the backup"]
    lines = [f"{FORESEEN} A copy of {size(found.database_bytes)} would be restored and compared with the manifest"]
    if found.copy:
        lines = [f"{FORESEEN} The verified copy {visible(found.copy)} would replace the database, by renames alone"]
    if found.forecast:
        lines += restore_forecast(found.forecast)
    lines += [f"[warning] {visible(line)}; the archive would be restored" for line in found.no_copy]
    lines += [f"{FORESEEN} {line}" for line in undone(found.undone)]
    lines += [f"{FORESEEN} {visible(line)}" for line in found.written]
    if found.state is RestoreState.ROLLED_BACK:
        lines.append(f"{FORESEEN} {found.sessions} sessions of {found.database} would be terminated")
        lines.append(f"{FORESEEN} {found.database} would be replaced, and kept as {found.kept}")
        lines.append("[warning] Writes made after the backup would exist in the kept database only")
    return lines


def undone(found: Undone | None) -> list[str]:
    """Which migrations a rollback undoes, a line each, or that it undoes none."""
    if found is None:
        return []
    if found.migrations:
        return [f"Undoes the run {migration.told}" for migration in found.migrations]
    held = f"; the backup already contains the last one, {found.earlier.told}" if found.earlier else ""
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
