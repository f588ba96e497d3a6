# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks before a restore of a certain backup, in the order of their report: those of its own, and those that the
preflight shares. A check is a file, a line below, a test; docs/restore.md is made of their own words."""

from __future__ import annotations

from ..checks import (
    data_disk,
    extensions,
    foreign_access,
    login_triggers,
    prepared_transactions,
    privileges,
    replication,
    restorable,
    roles,
    sessions,
    settings,
    standby,
    standbys,
    tablespaces,
    untested_extensions,
    wal_carriers,
    wal_disk,
)
from . import cluster_objects, database_names, server_version
from .check import Check

CHECKS: tuple[Check, ...] = (
    standby.check,
    server_version.check,
    database_names.check,
    privileges.check,
    restorable.check,
    prepared_transactions.check,
    replication.check,
    roles.check,
    tablespaces.check,
    extensions.check,
    untested_extensions.check,
    login_triggers.check,
    data_disk.check,
    wal_disk.check,
    wal_carriers.check,
    standbys.check,
    settings.check,
    foreign_access.check,
    cluster_objects.check,
    sessions.check,
)
