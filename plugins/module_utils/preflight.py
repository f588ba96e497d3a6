# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Preflight: gather the facts once, by reading alone, and report every problem at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    client_tools,
    filesystems,
    fingerprint,
    login_triggers,
    names,
    queries,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import (
    Directory,
    Facts,
    Role,
    SessionFact,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.registry import CHECKS
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session, session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.identity import server
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import all_runs
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target


@dataclass(frozen=True)
class PreflightRequest:
    """:param disk_factor: free space of the backup's filesystem as a multiple of the database's size.
    :param restore_level: whether the backup will be proven by a restore beside the live database.
    :param read_only_fence: whether the database will be read-only while it is backed up.
    """

    target: Target
    backup_root: Path
    disk_factor: float = 2.0
    restore_level: bool = True
    read_only_fence: bool = True


@dataclass(frozen=True)
class Preflight:
    facts: Facts
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")


def run(request: PreflightRequest) -> Preflight:
    """
    :raises ConnectionFailed: the database or the maintenance database cannot be reached at all.
    """
    with session(login_triggers.silenced(request.target), purpose="preflight") as reader:
        facts = _gather(request, reader)
    return Preflight(facts, problems_of(facts))


def problems_of(facts: Facts) -> tuple[Problem, ...]:
    """What every check finds, in the order of the registry."""
    return tuple(problem for check in CHECKS for problem in check(facts))


def _gather(request: PreflightRequest, reader: Session) -> Facts:
    database = request.target.dbname
    found = server(reader)
    tools_version, tools_problem = _tools(request.target, found.major)
    return Facts(
        database=database,
        server_version=found.version,
        server_version_text=found.version_text,
        tools_version=tools_version,
        tools_problem=tools_problem,
        database_bytes=int(reader.value(queries.DATABASE_SIZE, (database,))),
        tables=len(fingerprint.tables(reader)),
        backup_root=_directory(request.backup_root),
        backup_filesystem=filesystems.of(request.backup_root),
        data_filesystem=filesystems.of_data(reader),
        role=Role(*reader.row(queries.ROLE, (database,))),
        standby=bool(reader.value(queries.STANDBY)),
        sessions=tuple(SessionFact(*row) for row in reader.rows(queries.SESSIONS, (database, [reader.pid]))),
        prepared_transactions=_names(reader.rows(queries.PREPARED, (database,))),
        logical_slots=_names(reader.rows(queries.LOGICAL_SLOTS, (database,))),
        subscriptions=_names(reader.rows(queries.SUBSCRIPTIONS, (database,))),
        unfinished_runs=_unfinished(request.backup_root, database, alive=False),
        runs_at_work=_unfinished(request.backup_root, database, alive=True),
        superusers_sessions=tuple(
            f"pid {pid} of {user}" for pid, user in reader.rows(queries.SUPERUSERS_SESSIONS, (database,))
        ),
        roles_that_write=_names(reader.rows(queries.ROLES_THAT_WRITE, (database,))) if request.read_only_fence else (),
        disk_factor=request.disk_factor,
        restore_level=request.restore_level,
    )


def _names(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(row[0] for row in rows)


def _tools(target: Target, major: int) -> tuple[str, str]:
    try:
        return client_tools.find(target, major).version, ""
    except PgsafeError as error:
        return "", f"{error.what} {error.remedy}".strip()


def _directory(path: Path) -> Directory:
    if not path.is_dir():
        return Directory(str(path), exists=False, writable=False, mode=0, owner=-1, link=path.is_symlink())
    facts = path.stat()
    writable = os.access(path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
    return Directory(str(path), True, writable, stat.S_IMODE(facts.st_mode), facts.st_uid, path.is_symlink())


def _unfinished(backup_root: Path, database: str, alive: bool) -> tuple[str, ...]:
    if not os.access(backup_root, os.R_OK):
        return ()
    parent = backup_root / names.directory_name(database)
    found = [Path(run.backup_dir) for run in all_runs(backup_root) if run.unfinished and run.alive == alive]
    return tuple(str(directory) for directory in found if directory.parent == parent)
