# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The preflight checks, in the order of their report. A check is a file here, a line below, a test, a line in docs."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import (
    backup_disk,
    backup_root,
    client_tools,
    data_disk,
    fence,
    prepared_transactions,
    privileges,
    replication,
    server_version,
    sessions,
    standby,
    unfinished_run,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Check

CHECKS: tuple[Check, ...] = (
    unfinished_run.check,
    server_version.check,
    client_tools.check,
    standby.check,
    privileges.check,
    backup_root.check,
    backup_disk.check,
    data_disk.check,
    prepared_transactions.check,
    replication.check,
    sessions.check,
    fence.check,
)
