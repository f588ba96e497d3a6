# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request of every verb, as a task makes it that gives no more options than the caller."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import AuditRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.request import BackupRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence.run import FenceRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.status import StatusRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import (
    pg_backup,
    pg_backup_verify,
    pg_fence,
    pg_migration_apply,
    pg_recover,
    pg_restore_safe,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import MigrateRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.run import PreflightRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import RecoverRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.run import RestoreRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.tables.extract import ExtractRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.tables.recover import TableRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.lone_archive import ArchiveRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.run import VerifyRequest
from ansible_collections.pgsafe.migration.plugins.modules import (
    pg_audit_info,
    pg_guard_info,
    pg_preflight_facts,
    pg_rows_extract,
    pg_table_recover,
)


def _given(module: ModuleType, **options: Any) -> dict[str, Any]:
    return {**arguments.defaults(module.SPEC), "login_db": "app", **options}


JOBS = arguments.defaults(arguments.JOBS)["jobs"]
THRESHOLDS = pg_preflight_facts.request(_given(pg_preflight_facts, backup_root="/"), check_mode=True).thresholds


def audit(target: Target, own_rules: tuple[Any, ...] = (), **fields: Any) -> AuditRequest:
    found = pg_audit_info.request(_given(pg_audit_info))
    return replace(found, target=target, own_rules=own_rules, **fields)


def backup(target: Target, backup_root: Path, **fields: Any) -> BackupRequest:
    return replace(pg_backup.request(_given(pg_backup, backup_root=str(backup_root))), target=target, **fields)


def verify(target: Target, backup_dir: Path, level: str = "restore", **fields: Any) -> VerifyRequest:
    found = pg_backup_verify.request(_given(pg_backup_verify, backup_dir=str(backup_dir)))
    assert isinstance(found, VerifyRequest)
    return replace(found, target=target, backup_dir=backup_dir, level=level, **fields)


def archive(target: Target, path: Path, **fields: Any) -> ArchiveRequest:
    found = pg_backup_verify.request(_given(pg_backup_verify, archive=str(path)))
    assert isinstance(found, ArchiveRequest)
    return replace(found, target=target, archive=path, **fields)


def fence(target: Target, backup_root: Path, kind: str = "", reason: str = "", **fields: Any) -> FenceRequest:
    """Without a watchdog, unless the caller says otherwise."""
    options = {"kind": kind} if kind else {}
    found = pg_fence.request(_given(pg_fence, backup_root=str(backup_root), reason=reason, **options))
    return replace(found, **{"target": target, "idle_timeout": None, "lease": 0.0, **fields})


def migrate(
    target: Target, source: SetSource, backup_dir: Path, run_id: str, confirmed_database: str, **fields: Any
) -> MigrateRequest:
    options = {"backup_dir": str(backup_dir), "run_id": run_id, "confirmed_database": confirmed_database}
    found = pg_migration_apply.request(_given(pg_migration_apply, **options))
    return replace(found, **{"target": target, "source": source, **fields})


def recover(target: Target, backup_root: Path, **fields: Any) -> RecoverRequest:
    return replace(pg_recover.request(_given(pg_recover, backup_root=str(backup_root))), target=target, **fields)


def restore(target: Target, backup_dir: Path, new_database: str | None = None, **fields: Any) -> RestoreRequest:
    found = pg_restore_safe.request(_given(pg_restore_safe, backup_dir=str(backup_dir), new_database=new_database))
    return replace(found, target=target, backup_dir=backup_dir, **fields)


def preflight(target: Target, backup_root: Path, **fields: Any) -> PreflightRequest:
    """By reading alone, unless the caller says otherwise."""
    given = _given(pg_preflight_facts, backup_root=str(backup_root))
    return replace(pg_preflight_facts.request(given, check_mode=True), target=target, **fields)


def status(backup_root: Path, database: str = "", **fields: Any) -> StatusRequest:
    found = pg_guard_info.request(_given(pg_guard_info, backup_root=str(backup_root), database=database))
    return replace(found, **fields)


def tables(target: Target, backup_dir: Path, *labels: str, **fields: Any) -> TableRequest:
    given = _given(pg_table_recover, backup_dir=str(backup_dir), tables=list(labels), login_db=target.dbname)
    return replace(pg_table_recover.request(given), **{"target": target, **fields})


def extract(
    target: Target, backup_dir: Path, table: str, condition: str, dest: Path | None, **fields: Any
) -> ExtractRequest:
    options = {"backup_dir": str(backup_dir), "table": table, "condition": condition}
    given = _given(pg_rows_extract, **options, dest=str(dest) if dest else None)
    return replace(pg_rows_extract.request(given), **{"target": target, **fields})
