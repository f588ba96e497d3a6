# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup as a job."""

from __future__ import annotations

from dataclasses import asdict

from ..audit.finding import Finding
from ..audit.report import AuditReport, RuleReading
from ..backup import run as backup
from ..backup.request import BackupRequest
from ..console import backup as console
from ..errors import PgsafeError
from ..journal.journal import Journal
from ..model import Administrator, Target
from ..ports import signals

# What a request may contain.
TYPES = (Administrator, AuditReport, BackupRequest, Finding, RuleReading, Target)


def run(request: BackupRequest) -> dict[str, object]:
    """
    :raises PgsafeError: the backup could not be taken; nothing of it is left.
    """
    with signals.raised("The backup"):
        return _taken(backup.run(request))


def failure(error: PgsafeError) -> dict[str, object]:
    """What a failed task returns beside its message."""
    return error.facts()


def run_of(request: BackupRequest) -> Journal:
    """The run that the backup belongs to; a new one where none is named.

    :raises PgsafeError: a backup could not even be begun, or the run has no fence that waits for it.
    """
    backup.plan(request)
    return backup.run_of(request)


def predicted(request: BackupRequest) -> dict[str, object]:
    """What would be done, by reading alone.

    :raises PgsafeError: a backup could not even be begun.
    """
    plan = backup.plan(request)
    return {
        "changed": True,
        "run_id": "",
        "backup_dir": "",
        "bytes": 0,
        "database_bytes": plan.database_bytes,
        "rows": {},
        "fingerprint": "",
        "files": [],
        "warnings_given": [],
        "swept": [],
        "seconds": {},
        "console": console.backup_foreseen(plan.database_bytes, len(plan.tables)),
    }


def _taken(taken: backup.Backup) -> dict[str, object]:
    manifest = taken.manifest
    return {
        "changed": True,
        "run_id": taken.run_id,
        "backup_dir": str(taken.directory),
        "bytes": manifest.bytes,
        "database_bytes": manifest.database_bytes,
        "rows": manifest.fingerprint.rows,
        "fingerprint": manifest.fingerprint.mode,
        "files": [asdict(file) for file in manifest.files],
        "warnings_given": list(manifest.warnings),
        "swept": list(taken.swept),
        "seconds": dict(manifest.seconds),
        "console": console.backup(str(taken.directory), manifest, taken.swept),
    }
