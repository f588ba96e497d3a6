# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The preflight's checks, in the order of their report, and what each is asked before.

A check is a file here, a line below, a test, and its docstring, of which docs/preflight.md is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import (
    backup_disk,
    backup_root,
    checksum_failures,
    client_tools,
    closed_copy,
    copy_places,
    data_disk,
    execution_environment,
    expected_tables,
    extensions,
    fence,
    followed_copy,
    foreign_access,
    inherited_columns,
    inodes,
    invalid_databases,
    left_out,
    lock_capacity,
    lock_waits,
    login_triggers,
    long_transactions,
    managed_service,
    not_dumped,
    not_given_back,
    old_snapshot_threshold,
    other_histories,
    owner_code,
    poolers,
    prepared_transactions,
    privileges,
    publications,
    replication,
    restorable,
    retained_copy,
    roles,
    row_level_security,
    scratch_access,
    server_version,
    session_role,
    sessions,
    settings,
    standby,
    standbys,
    table_privileges,
    tablespaces,
    track_counts,
    unavailable_time,
    unfinished_run,
    unrestorable,
    untested_extensions,
    wal_carriers,
    wal_disk,
)
from .check import BACKUP, MIGRATION, RESTORE, Check


@dataclass(frozen=True)
class Listed:
    """:param scopes: one or more of :data:`check.SCOPES`."""

    check: Check
    scopes: tuple[str, ...]


CHECKS: tuple[Listed, ...] = (
    Listed(unfinished_run.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(server_version.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(client_tools.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(standby.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(expected_tables.check, (BACKUP, MIGRATION)),
    Listed(managed_service.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(execution_environment.check, (MIGRATION,)),
    Listed(poolers.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(scratch_access.check, (MIGRATION, RESTORE)),
    Listed(privileges.check, (MIGRATION, RESTORE)),
    Listed(session_role.check, (MIGRATION,)),
    Listed(table_privileges.check, (BACKUP,)),
    Listed(row_level_security.check, (BACKUP,)),
    Listed(left_out.check, (BACKUP,)),
    Listed(not_dumped.check, (BACKUP,)),
    Listed(unrestorable.check, (BACKUP,)),
    Listed(restorable.check, (RESTORE,)),
    Listed(owner_code.check, (RESTORE,)),
    Listed(inherited_columns.check, (MIGRATION,)),
    Listed(not_given_back.check, (MIGRATION,)),
    Listed(backup_root.check, (BACKUP,)),
    Listed(backup_disk.check, (BACKUP,)),
    Listed(copy_places.check, (BACKUP,)),
    Listed(inodes.check, (BACKUP, RESTORE)),
    Listed(data_disk.check, (RESTORE,)),
    Listed(wal_disk.check, (RESTORE,)),
    Listed(wal_carriers.check, (RESTORE,)),
    Listed(standbys.check, (MIGRATION, RESTORE)),
    Listed(prepared_transactions.check, (MIGRATION, RESTORE)),
    Listed(replication.check, (MIGRATION, RESTORE)),
    Listed(publications.check, (MIGRATION, RESTORE)),
    Listed(roles.check, (RESTORE,)),
    Listed(tablespaces.check, (RESTORE,)),
    Listed(extensions.check, (RESTORE,)),
    Listed(untested_extensions.check, (RESTORE,)),
    Listed(login_triggers.check, (BACKUP, MIGRATION, RESTORE)),
    Listed(settings.check, (RESTORE,)),
    Listed(foreign_access.check, (RESTORE,)),
    Listed(lock_capacity.check, (BACKUP,)),
    Listed(old_snapshot_threshold.check, (BACKUP,)),
    Listed(checksum_failures.check, (BACKUP,)),
    Listed(invalid_databases.check, (BACKUP,)),
    Listed(fence.check, (MIGRATION,)),
    Listed(track_counts.check, (MIGRATION,)),
    Listed(unavailable_time.check, (MIGRATION,)),
    Listed(closed_copy.check, (MIGRATION,)),
    Listed(followed_copy.check, (MIGRATION,)),
    Listed(retained_copy.check, (MIGRATION,)),
    Listed(other_histories.check, (MIGRATION,)),
    Listed(lock_waits.check, (BACKUP, MIGRATION)),
    Listed(long_transactions.check, (BACKUP, MIGRATION)),
    Listed(sessions.check, (MIGRATION, RESTORE)),
)


def asked(scopes: Iterable[str]) -> tuple[Check, ...]:
    """The checks of any of these scopes."""
    wanted = set(scopes)
    return tuple(listed.check for listed in CHECKS if wanted & set(listed.scopes))
