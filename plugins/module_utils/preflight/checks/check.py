# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check sees, and what it is. A check before a restore sees more: restore_checks/check.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...errors import Problem
from ...model import READ_ONLY_FENCES, Filesystem, OwnerCode
from ...postgres.wal import Wal
from ...prediction import Prediction, of_kind

# What a check is asked before.
SCOPES = (BACKUP, MIGRATION, RESTORE) = ("backup", "migration", "restore")


@dataclass(frozen=True)
class Role:
    """The role that connects.

    :param owns_database: the one that is backed up, or is to be replaced; True when none is.
    :param may_silence: whether it may switch login event triggers off for its own sessions.
    :param may_become: those of the wanted roles that it can make owners.
    """

    name: str
    superuser: bool
    createdb: bool
    owns_database: bool
    may_signal: bool
    may_silence: bool
    may_become: frozenset[str]


@dataclass(frozen=True)
class SessionRole:
    """The role that a migration is to run as.

    :param present: whether it exists.
    :param permitted: whether the role that connects may SET ROLE to it.
    :param powerful: a superuser, or one of PostgreSQL's own: its membership is never advised.
    """

    name: str
    present: bool
    permitted: bool
    powerful: bool


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
class Setting:
    """A setting that our sessions in a copy begin with.

    :param role: whose it is; empty for all roles.
    """

    role: str
    name: str
    value: str


@dataclass(frozen=True)
class Unseen:
    """What this role cannot see from here; it must not pass for a check that found nothing.

    :param check: the name of the check that needed it.
    """

    check: str
    severity: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Wanted:
    """What a restored copy takes: by the manifest of a backup, or by the database as it is now.

    :param of: what it is a copy of, for people: ``the backup``, or ``the database app``.
    :param bytes: of the copy.
    :param extensions: versions by name.
    :param roles: that own or were granted something, or have settings in the database.
    :param publications: those FOR ALL TABLES.
    :param globals_file: where one can read what roles and tablespaces were; empty when there is none.
    :param owners: those of the roles that own something; None when that is not known.
    """

    of: str
    bytes: int
    extensions: Mapping[str, str]
    roles: tuple[str, ...]
    tablespaces: tuple[str, ...]
    event_triggers: tuple[str, ...]
    login_triggers: tuple[str, ...]
    publications: tuple[str, ...]
    foreign_servers: tuple[str, ...]
    globals_file: str = ""
    owners: tuple[str, ...] | None = None

    @property
    def what_it_was(self) -> str:
        return f" (what it was: {self.globals_file})" if self.globals_file else ""


@dataclass(frozen=True)
class WantedFacts:
    """What of a copy's needs the cluster has.

    :param present_roles: those of the wanted ones that exist.
    :param powerful_roles: those whose members can do more than use what they own: superusers, members of superusers or
        of PostgreSQL's predefined roles, and roles with CREATEROLE, REPLICATION or BYPASSRLS.
    :param usable_tablespaces: of the wanted ones that exist, by name, whether the role may create something there.
    """

    present_roles: tuple[str, ...]
    powerful_roles: tuple[str, ...]
    usable_tablespaces: Mapping[str, bool]


@dataclass(frozen=True)
class LiveFacts:
    """What uses the live database, and what hangs on it.

    :param oid: of the database, 0 when there is none.
    :param superusers_sessions: sessions that this role cannot end.
    """

    oid: int
    prepared_transactions: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    sessions: tuple[SessionFact, ...]
    superusers_sessions: tuple[str, ...]


@dataclass(frozen=True)
class ServerFacts(WantedFacts, LiveFacts):
    """What every check may look at: the server, the database, and what a copy of it takes. Gathered by reading alone.

    :param server_version: ``server_version_num``.
    :param database: that is backed up, or is to be replaced; empty when none is.
    :param followed: address of the server that a standby streams from; empty for a primary, and where it cannot be
        seen.
    :param data_filesystem: where a copy will be.
    :param stated_free_bytes: what a person says is free there, for a server that is not this host.
    :param extensions: what the server has of the wanted ones.
    :param login_events: databases among those concerned that have a login event trigger.
    """

    server_version: int
    server_version_text: str
    database: str
    standby: bool
    followed: str
    role: Role
    wanted: Wanted
    data_filesystem: Filesystem
    stated_free_bytes: int | None
    wal: Wal
    extensions: Mapping[str, Extension]
    settings: tuple[Setting, ...]
    login_events: tuple[str, ...]
    not_seen: tuple[Unseen, ...]

    @property
    def wal_bytes(self) -> int:
        """What the restore of a copy will write of the write-ahead log."""
        return self.wal.written_by_restore(self.wanted.bytes)

    @property
    def bytes_needed(self) -> int:
        """On the filesystem of the copy: old and new are there at once, and the log with them where it is the same."""
        shared = self.data_filesystem.device is None or self.data_filesystem.device == self.wal.filesystem.device
        return self.wanted.bytes + (self.wal.kept_of(self.wal_bytes) if shared else 0)


@dataclass(frozen=True)
class Directory:
    """The backup root, as the connecting user finds it.

    :param weakness: why another user could replace what is in it; empty when none could.
    :param remedy: the command against that.
    """

    path: str
    exists: bool
    writable: bool
    mode: int
    owner: int
    link: bool
    weakness: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class CopyPlace:
    """A place that the proven backup will be copied to.

    :param required: whether a copy that fails refuses the migration.
    """

    directory: Directory
    filesystem: Filesystem
    required: bool


@dataclass(frozen=True)
class CopyStore:
    """An object store that the proven backup will be copied to.

    :param required: whether a copy that fails refuses the migration.
    :param problem: why it cannot be listed; empty when it can.
    """

    url: str
    required: bool
    problem: str
    remedy: str


@dataclass(frozen=True)
class CopyEncryption:
    """A place whose copies will be encrypted.

    :param place: a directory or a URL.
    :param problem: why they cannot be; empty when they can.
    """

    place: str
    required: bool
    problem: str
    remedy: str


@dataclass(frozen=True)
class ControllerPlace:
    """A directory of the controller that the proven backup will be copied to, as the controller finds it.

    :param free_bytes: of its filesystem.
    :param problem: why it cannot be used; empty when it can.
    """

    place: str
    required: bool
    free_bytes: int
    problem: str
    remedy: str


@dataclass(frozen=True)
class LockWait:
    """A session that waits for another one's lock.

    :param holders: the sessions in its way; a prepared transaction has the pid 0.
    """

    pid: int
    user: str
    table: str
    seconds: int
    holders: tuple[int, ...]


@dataclass(frozen=True)
class BackupSize:
    """What a backup is expected to have.

    :param basis: ``last_backup``, ``sample``, or ``table_sizes`` where nothing could be read.
    :param other_bytes: manifest, globals, reports, and what a filesystem rounds up.
    """

    basis: str
    archive_bytes: int
    script_bytes: int
    csv_bytes: int
    other_bytes: int
    files: int

    @property
    def bytes(self) -> int:
        return self.archive_bytes + self.script_bytes + self.csv_bytes + self.other_bytes


@dataclass(frozen=True)
class ClosedCopy:
    """How the files of the closed database would be copied.

    :param why_not: why they cannot be; empty when they can.
    :param cloned: the filesystem shares the blocks, so that a copy takes no room at first.
    :param seconds: that it is expected to take.
    """

    why_not: str = ""
    cloned: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Obstacle:
    """What keeps a verified copy from following its database.

    :param severity: ``error``, or ``warning`` where it is an estimate.
    :param what: a clause, without a full stop.
    """

    severity: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Thresholds:
    """From when on something is a problem.

    :param disk_factor: free space of the backup's filesystem, in sizes of the backup that is expected.
    :param long_transaction: seconds.
    :param max_unavailable: seconds without writes before the migration itself; 0 for no limit.
    :param copying: seconds that copying the files of the closed database may take for it to be chosen.
    :param copy_timeout: seconds after which a copy that is not proven equal is given up.
    """

    disk_factor: float
    long_transaction: int
    max_unavailable: float
    copying: float
    copy_timeout: float


@dataclass(frozen=True)
class FenceFacts:
    """
    :param fence: the kind of fence that will be raised.
    :param fence_reason: why it was chosen.
    :param followed_copy: what keeps a copy from following the database; empty for another fence.
    :param predictions: how long clients are expected to wait behind each kind of fence.
    """

    fence: str
    fence_reason: str
    closed_copy: ClosedCopy
    followed_copy: tuple[Obstacle, ...]
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class SizeFacts:
    """
    :param tables: how many tables, partitioned ones once.
    :param lockable_tables: how many tables pg_dump locks, each partition for itself.
    :param relations: how many files, roughly, a copy has: tables, indexes, sequences, TOAST.
    :param largest_tables: bytes of the twenty largest, with their TOAST and without their indexes.
    """

    database_bytes: int
    tables: int
    lockable_tables: int
    relations: int
    largest_tables: Mapping[str, int]
    backup_size: BackupSize


@dataclass(frozen=True)
class ContentFacts:
    """What is in the database, and what of it this role may not see.

    :param unreadable: tables, sequences and large objects that the role may not read.
    :param hidden_rows: tables whose rows row-level security hides from the role.
    :param left_out: what a dump by this role would leave out without a word.
    :param not_dumped: what a dump by any role leaves out.
    :param bare_languages: that are dumped without the functions that they call, and one of these.
    :param removed_functions: that an extension makes though they were taken from it, and the extension.
    :param owner_code: what other roles own and a restore would run with the rights of this one; empty if trusted.
    :param reordered_tables: inheriting tables whose columns a restore would put in another order.
    :param not_given_back: what else a rollback would not give back, a line each.
    :param roles_that_write: roles that a read-only fence does not stop; empty when none is to be raised.
    """

    missing_tables: tuple[str, ...]
    publications: tuple[str, ...]
    other_histories: tuple[tuple[str, str], ...]
    unreadable: tuple[str, ...]
    hidden_rows: tuple[str, ...]
    left_out: tuple[str, ...]
    not_dumped: tuple[str, ...]
    bare_languages: tuple[tuple[str, str], ...]
    removed_functions: tuple[tuple[str, str], ...]
    owner_code: tuple[OwnerCode, ...]
    reordered_tables: tuple[str, ...]
    not_given_back: tuple[str, ...]
    roles_that_write: tuple[str, ...]


@dataclass(frozen=True)
class ClusterFacts:
    """What the server is set to, and what goes on in it.

    :param invalid_databases: that an interrupted DROP DATABASE has left.
    :param left_probes: empty databases that a killed preflight has left.
    :param checksum_failures: counted by the server; None when it does not look.
    :param managed_by: the service that this looks like; empty for none.
    :param job_container: the first process of the container that the target is, where that ends with the play.
    """

    lock_capacity: int
    lock_waits: tuple[LockWait, ...]
    invalid_databases: tuple[str, ...]
    left_probes: tuple[str, ...]
    checksum_failures: int | None
    track_counts: bool
    old_snapshot_threshold: str
    managed_by: str
    job_container: str


@dataclass(frozen=True)
class PlaceFacts:
    """Where backups are, and where their copies go.

    :param unfinished_runs: backup directories of runs that changed this database and never ended.
    :param runs_at_work: backup directories of runs that a process works on.
    """

    backup_root: Directory
    backup_filesystem: Filesystem
    copy_places: tuple[CopyPlace, ...]
    copy_stores: tuple[CopyStore, ...]
    copy_encryption: tuple[CopyEncryption, ...]
    controller_places: tuple[ControllerPlace, ...]
    unfinished_runs: tuple[str, ...]
    runs_at_work: tuple[str, ...]


@dataclass(frozen=True)
class ProofFacts:
    """
    :param proof: where the backup will be proven, ``none`` below the level ``restore``.
    :param proof_filesystem: of the temporary instance; None when the proof uses none.
    """

    proof: str
    proof_reason: str
    proof_filesystem: Filesystem | None


@dataclass(frozen=True)
class ToolFacts:
    """
    :param tools_version: of the client tools, empty when there are none of the server's major.
    :param tools_problem: why there are none, or why pg_dump cannot write the backup that is asked for.
    """

    tools_version: str
    tools_problem: str


@dataclass(frozen=True)
class Facts(ServerFacts, FenceFacts, SizeFacts, ContentFacts, ClusterFacts, PlaceFacts, ProofFacts, ToolFacts):
    """What the preflight looks at besides; gathered once, by reading alone, but for the probe of access.

    :param pooler: ``none``, ``session`` or ``transaction``.
    :param access_problems: who could not connect to which database of those that a run makes; why.
    :param keep_copy_seconds: how long the verified copy is to stay after a good verdict.
    :param session_role: that the migration is to run as; None for the role that connects.
    """

    thresholds: Thresholds
    pooler: str
    access_problems: tuple[str, ...]
    keep_copy_seconds: float
    session_role: SessionRole | None

    @property
    def read_only_fence(self) -> bool:
        """Whether the database will be read-only while it is backed up."""
        return self.fence in READ_ONLY_FENCES

    @property
    def prediction(self) -> Prediction | None:
        """Of the fence that will be raised."""
        return of_kind(self.predictions, self.fence)

    @property
    def restores(self) -> bool:
        """Whether the proof makes a copy."""
        return self.proof != "none"


Check = Callable[[Facts], Iterator[Problem]]
CommonCheck = Callable[[ServerFacts], Iterator[Problem]]
