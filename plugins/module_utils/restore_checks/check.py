# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check before a restore sees, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Filesystem, SessionFact
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Catalog
from ansible_collections.pgsafe.migration.plugins.module_utils.wal import Wal


@dataclass(frozen=True)
class Intent:
    """What is to be restored, and what becomes of what is there.

    :param replaces: the live database, by its name of now; None when none is replaced.
    :param creates: the names that databases will be given: of the copy, and of the one that is kept.
    :param globals_file: where the roles and tablespaces of the backup can be read.
    :param stated_free_bytes: what a person says is free for the copy, for a server that is not this host.
    :param waived: names of checks whose errors a person has taken upon himself; they are shown as warnings.
    """

    manifest: Manifest
    replaces: str | None
    creates: tuple[str, ...]
    globals_file: str
    stated_free_bytes: int | None = None
    waived: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Role:
    """The role that restores.

    :param owns_database: that is to be replaced; True when none is.
    :param may_silence: whether it may switch login event triggers off for its own sessions.
    :param may_become: the roles it can make owners.
    """

    name: str
    superuser: bool
    createdb: bool
    owns_database: bool
    may_signal: bool
    may_silence: bool
    may_become: frozenset[str]


@dataclass(frozen=True)
class Extension:
    """:param versions: all that can be installed, directly or over another one.
    :param trusted: the versions that a role which is no superuser may install.
    """

    versions: tuple[str, ...]
    trusted: frozenset[str]


@dataclass(frozen=True)
class Subscription:
    name: str
    enabled: bool


@dataclass(frozen=True)
class Taken:
    """A database that has one of the names already.

    :param leftover: of an interrupted restore of this very backup, which the next one drops.
    """

    name: str
    leftover: bool


@dataclass(frozen=True)
class Setting:
    """A setting that our sessions in a copy begin with.

    :param role: whose it is; empty for all roles.
    """

    role: str
    name: str
    value: str


@dataclass(frozen=True)
class Facts:
    """Everything the checks look at, gathered once by reading alone.

    :param cluster: by kind and name, as in the manifest's, but of now.
    :param changed: kind, and what is other there than at the backup.
    :param data_filesystem: where the copy will be.
    :param login_events: databases among those concerned that have a login event trigger.
    """

    intent: Intent
    server_version: int
    server_version_text: str
    standby: bool
    role: Role
    cluster: Mapping[str, Mapping[str, str]]
    changed: tuple[tuple[str, str], ...]
    extensions: Mapping[str, Extension]
    data_filesystem: Filesystem
    wal: Wal
    taken: tuple[Taken, ...] = ()
    prepared_transactions: tuple[str, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    sessions: tuple[SessionFact, ...] = ()
    superusers_sessions: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    login_events: tuple[str, ...] = ()

    @property
    def backed_up_extensions(self) -> Mapping[str, str]:
        """Versions by name."""
        return self.intent.manifest.fingerprint.extensions

    @property
    def catalog(self) -> Catalog:
        """Of the backup."""
        return self.intent.manifest.fingerprint.catalog

    @property
    def wal_bytes(self) -> int:
        """What the restore will write of the write-ahead log."""
        return self.wal.written_by_restore(self.intent.manifest.database_bytes)

    @property
    def bytes_needed(self) -> int:
        """On the filesystem of the copy: old and new are there at once, and the log with them where it is the same."""
        shared = self.data_filesystem.device is None or self.data_filesystem.device == self.wal.filesystem.device
        return self.intent.manifest.database_bytes + (self.wal.kept_of(self.wal_bytes) if shared else 0)


Check = Callable[[Facts], Iterator[Problem]]
