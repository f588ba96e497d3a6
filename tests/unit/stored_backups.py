# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories of backups of any age, with the journals of their runs, as retention meets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import BackupFile
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.entry import TIME
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import RUNS, Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST

CONTENT = "an archive\n"


def run_of(backup: Path) -> Journal:
    """The journal beside a backup."""
    return Journal(backup.parent.parent / RUNS / backup.name[len("migration_") :])


def stored(
    root: Path,
    days: float,
    database: str = "app",
    level: str = "restore",
    verdict: Verdict | None = None,
    server: str = MANIFEST.identity.system_identifier,
) -> Path:
    """A complete backup.

    :param days: ago; in the future when less than 0.
    :param level: that it was proven up to; empty when it was not verified.
    :param verdict: of the migration of its run, which began none where it is None.
    :param server: its system identifier.
    """
    moment = datetime.now(timezone.utc) - timedelta(days=days)
    run_id = moment.strftime("%Y%m%d_%H%M%S")
    directory = root / names.directory_name(database) / f"migration_{run_id}"
    directory.mkdir(parents=True, mode=0o700)
    (directory / manifests.ARCHIVE).write_text(CONTENT, encoding="utf-8")
    identity = replace(MANIFEST.identity, name=database, system_identifier=server)
    archive = BackupFile(manifests.ARCHIVE, "dump", len(CONTENT), "a" * 64, "the archive")
    manifest = replace(
        MANIFEST, run_id=run_id, created=moment.strftime(TIME), identity=identity, files=(archive,)
    )
    (directory / manifests.MANIFEST).write_text(manifests.to_json(manifest), encoding="utf-8")
    _run(directory, database, level, verdict)
    return directory


def unfinished(root: Path, days: float, database: str = "app") -> Path:
    """What a run that died during its backup has left."""
    directory = stored(root, days, database, level="")
    (directory / manifests.MANIFEST).unlink()
    return directory


def _run(directory: Path, database: str, level: str, verdict: Verdict | None) -> None:
    run_journal = run_of(directory)
    run_journal.directory.mkdir(parents=True, mode=0o700)
    sealed = manifests.digest_of(directory)
    run_journal.append(Event.BACKUP_STARTED, backup_dir=str(directory), database=database)
    run_journal.append(Event.BACKED_UP, backup_dir=str(directory), manifest_sha256=sealed)
    if level:
        run_journal.append(Event.VERIFIED, backup_dir=str(directory), manifest_sha256=sealed, level=level)
    if verdict:
        run_journal.append(Event.ARMED, digest="d", backup_dir=str(directory), sequences="backup")
    if verdict is Verdict.HELD:
        run_journal.append(Event.FAILED, error="e")
        run_journal.append(Event.HELD)
    elif verdict and verdict is not Verdict.UNFINISHED:
        run_journal.append(Event.ACCEPTED, verdict=verdict.value, reason="")
        run_journal.append(Event(verdict.value))
