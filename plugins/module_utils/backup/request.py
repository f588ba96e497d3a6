# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.report import AuditReport
from ..model import Target

METHODS = ("gzip", "lz4", "zstd", "none")


@dataclass(frozen=True)
class BackupRequest:
    """:param jobs: sessions that read tables beside pg_dump.
    :param compress_method: of the archive, one of :data:`METHODS`; the script is always gzip.
    :param compress_level: of the archive and the script; gzip knows 1 to 9.
    :param lock_timeout: seconds to wait for tables that other sessions lock, truncate or alter.
    :param csv: patterns of the tables that get a CSV; all by default, none when empty.
    :param volatile: patterns of the tables that are read first, and not locked after that, while clients write.
    :param abort_on_blocked_ddl: stop when DDL of another session has waited for the backup's locks for 5 s.
    :param fingerprint: how closely tables are read for it, one of :data:`model.MODES`.
    :param fingerprint_budget: seconds of reading, all sessions added up, that `full` may take; 0 sets no limit.
    :param audit: the audit of the run, written as ``audit_report.txt`` and noted in the manifest; None writes none.
    :param run_id: the run, begun by a fence, that the backup is to belong to; empty begins one.
    """

    target: Target
    backup_root: Path
    jobs: int
    compress_method: str
    compress_level: int
    lock_timeout: int
    csv: Sequence[str]
    volatile: Sequence[str]
    abort_on_blocked_ddl: bool
    audit: AuditReport | None
    fingerprint: str
    fingerprint_budget: float
    run_id: str
