# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a preflight check sees, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem


@dataclass(frozen=True)
class Filesystem:
    """:param free_bytes: for an ordinary user, None when it cannot be seen from here.
    :param device: what tells one filesystem from another, None likewise.
    """

    path: str
    free_bytes: int | None
    device: int | None


@dataclass(frozen=True)
class Directory:
    """The backup root, as the connecting user finds it."""

    path: str
    exists: bool
    writable: bool
    mode: int
    owner: int
    link: bool


@dataclass(frozen=True)
class Role:
    name: str
    superuser: bool
    createdb: bool
    owns_database: bool
    may_signal: bool


@dataclass(frozen=True)
class SessionFact:
    """:param transaction_seconds: age of its transaction, 0 when it has none."""

    pid: int
    user: str
    application: str
    address: str
    state: str
    transaction_seconds: int

    @property
    def described(self) -> str:
        application = self.application or "no application name"
        return f"pid {self.pid} ({self.user}, {application} from {self.address}, {self.state})"


@dataclass(frozen=True)
class Facts:
    """Everything the checks look at; gathered once.

    :param server_version: ``server_version_num``.
    :param tools_version: of the client tools, empty when none fit.
    :param tools_problem: why none fit.
    :param unfinished_runs: backup directories of runs that changed this database and never ended.
    :param runs_at_work: backup directories of runs that somebody alive works on.
    :param superusers_sessions: sessions that this role cannot end.
    :param roles_that_write: roles that a read-only fence does not stop; empty when none is to be raised.
    """

    database: str
    server_version: int
    server_version_text: str
    tools_version: str
    tools_problem: str
    database_bytes: int
    tables: int
    backup_root: Directory
    backup_filesystem: Filesystem
    data_filesystem: Filesystem
    role: Role
    standby: bool
    sessions: tuple[SessionFact, ...]
    prepared_transactions: tuple[str, ...]
    logical_slots: tuple[str, ...]
    subscriptions: tuple[str, ...]
    unfinished_runs: tuple[str, ...]
    disk_factor: float
    restore_level: bool
    runs_at_work: tuple[str, ...] = ()
    superusers_sessions: tuple[str, ...] = ()
    roles_that_write: tuple[str, ...] = ()


Check = Callable[[Facts], Iterator[Problem]]
