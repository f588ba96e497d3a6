# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words of the product as types; frozen, and free of behaviour that needs a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

STORE_SCHEME = "s3://"
LEVELS = ("checksum", "decode", "restore")
FORMATS = ("dump", "sql", "csv")

# How closely a table is read for a fingerprint, the closest first.
MODES = (FULL, SAMPLED, COUNTS) = ("full", "sampled", "counts")

# What a fingerprint is taken of; see there.
SOURCE, AS_RESTORED = "source", "as_restored"

UNREADABLE = "unreadable"

# The schema of our record of applied migration sets; left out of every fingerprint and count.
RECORD_SCHEMA = "pgsafe"

# The kinds of fence that make the database read-only for its backup; the kind that copies the files of the closed
# database, and a rollback to that copy; the kind whose verified copy follows the database until it is closed.
READ_ONLY_FENCES = ("read_only+closed", "connect")
COPIED, FILE_COPY = "closed+copied", "file_copy"
FOLLOWED = "followed+closed"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """A foreign text without its secrets."""
    for secret in sorted(set(secrets) - {""}, key=len, reverse=True):
        text = text.replace(secret, "********")
    return text


@dataclass(frozen=True)
class Target:
    """One database and the way to it.

    :param params: libpq keywords and values, without ``dbname``; ``password`` may be among them.
    :param dbname: the database.
    :param maintenance_db: another database of the same server, for statements about the first.
    :param session_role: the role to SET after connecting, or None.
    :param bin_dir: the directory of the client tools, or None to look for them.
    :param startup: settings that must hold from the very start of a session.
    :param trust_owner: whether the code of the database's owners may run with the rights of the connecting role.
    :param administrator: of a temporary instance, for what the connecting role may not do there.
    """

    params: Mapping[str, str]
    dbname: str
    maintenance_db: str = "postgres"
    session_role: str | None = None
    bin_dir: str | None = None
    startup: Mapping[str, str] = field(default_factory=dict)
    trust_owner: bool = False
    administrator: Administrator | None = None

    def database(self, dbname: str) -> Target:
        """The same way to another database of the same server."""
        return replace(self, dbname=dbname)

    @property
    def maintenance(self) -> Target:
        return (self.administrator.target if self.administrator else self).database(self.maintenance_db)

    @property
    def described(self) -> str:
        """The address for people: no password, ever."""
        host = self.params.get("host", "")
        user = self.params.get("user", "")
        return (
            f"{self.dbname} at {host or 'local socket'}:{self.params.get('port', '5432')} as {user or 'default user'}"
        )

    @property
    def sanitised_url(self) -> str:
        user = self.params.get("user", "")
        host = self.params.get("host", "")
        at = f"{user}@" if user else ""
        if host.startswith("/"):
            return f"postgresql://{at}/{self.dbname}?host={host}&port={self.params.get('port', '5432')}"
        return f"postgresql://{at}{_address(host)}:{self.params.get('port', '5432')}/{self.dbname}"

    def redacted(self, text: str) -> str:
        """A text without the password of the connection, plain or URL-encoded."""
        password = self.params.get("password", "")
        return redacted(text, {password, quote(password, safe=""), quote(password)})

    @property
    def url_for_commands(self) -> str:
        """A URL with the password in it; for a child's environment and nowhere else."""
        user = quote(self.params.get("user", ""), safe="")
        password = quote(self.params.get("password", ""), safe="")
        host = self.params.get("host", "")
        port = self.params.get("port", "5432")
        who = f"{user}{':' + password if password else ''}@" if user else ""
        database = quote(self.dbname, safe="")
        if not host:
            # As for libpq: without a host it is the local socket.
            return f"postgresql://{who}/{database}?port={port}"
        if host.startswith("/"):
            return f"postgresql://{who}/{database}?host={quote(host, safe='')}&port={port}"
        return f"postgresql://{who}{_address(host)}:{port}/{database}"


@dataclass(frozen=True)
class Administrator:
    """The superuser of a temporary instance.

    :param target: the way of this role.
    :param extension_owner: the role that the extensions belong to in the end, as in a cluster of the original's roles.
    """

    target: Target
    extension_owner: str


@dataclass(frozen=True)
class Supervision:
    """How a controller and a guard supervise a job.

    :param lease: seconds that the controller may be silent.
    :param poll_interval: seconds between two looks of the controller.
    :param progress: whether the controller shows how the job gets on.
    :param grace: seconds that a worker may take to end when asked.
    """

    lease: float
    poll_interval: float
    progress: bool
    grace: float


def _address(host: str) -> str:
    """The host of a URL; https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2"""
    return f"[{host}]" if ":" in host else host or "localhost"


@dataclass(frozen=True)
class Identity:
    """What makes a database this very one, and not a namesake.

    :param system_identifier: of the cluster, as a decimal string (it does not fit JSON's numbers).
    :param oid: of the database.
    :param timeline: of the write-ahead log; a failover makes a new one.
    """

    system_identifier: str
    oid: int
    name: str
    timeline: int


@dataclass(frozen=True)
class Filesystem:
    """:param free_bytes: for an ordinary user, None when it cannot be seen from here.
    :param device: what tells one filesystem from another, None likewise.
    :param free_inodes: files that can still be made, None likewise and where there is no limit.
    """

    path: str
    free_bytes: int | None
    device: int | None
    free_inodes: int | None = None


@dataclass(frozen=True)
class Server:
    """:param version: ``server_version_num``, such as 180006."""

    version: int
    version_text: str

    @property
    def major(self) -> int:
        return self.version // 10000


@dataclass(frozen=True, order=True)
class Table:
    """An ordinary or partitioned table.

    :param kind: pg_class.relkind, ``r`` or ``p``.
    """

    schema: str
    name: str
    kind: str = "r"

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class TableState:
    """Rows of a table and the order-free hash of their content.

    :param content: two decimal sums with a colon between; empty when only the rows were counted.
    :param mode: one of :data:`MODES`.
    """

    rows: int
    content: str
    mode: str = FULL


@dataclass(frozen=True)
class LargeObjects:
    """The content of large objects, which are in no table.

    :param mode: one of :data:`MODES`.
    :param content: by OID, of those that the mode chooses; size and two sums, or :data:`UNREADABLE`.
    """

    mode: str = FULL
    content: Mapping[str, str] = field(default_factory=dict)


# The facts of one object by their names, and all objects by kind and name.
Facts = Mapping[str, str]
Catalog = Mapping[str, Mapping[str, Facts]]


@dataclass(frozen=True)
class Fingerprint:
    """What two databases are compared by.

    :param tables: by label, ``schema.table``.
    :param sequences: by label; last value and whether it was called, such as ``42,t``.
    :param catalog: the facts of every object by kind and name, as the server writes them.
    :param generation: :data:`SOURCE` of the database that is backed up, :data:`AS_RESTORED` of a copy of it. Two of one
        generation are compared by their exact texts; a restore writes some texts anew, once.
    :param reported: what is reported and never compared, such as the rows of materialized views.
    """

    tables: Mapping[str, TableState]
    sequences: Mapping[str, str]
    catalog: Catalog
    large_objects: LargeObjects = field(default_factory=LargeObjects)
    generation: str = field(default=AS_RESTORED, compare=False)
    reported: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def rows(self) -> dict[str, int]:
        return {label: state.rows for label, state in self.tables.items()}

    @property
    def extensions(self) -> dict[str, str]:
        """Versions of the extensions by their plain names; in the catalog names are quoted where SQL wants it."""
        found = self.catalog.get("extension version", {})
        return {_plain(name): facts.get("version", "") for name, facts in found.items()}

    def schema_of_extension(self, extension: str) -> str:
        """Empty when the catalog does not say."""
        found = {_plain(name): facts for name, facts in self.catalog.get("extension", {}).items()}
        return found.get(extension, {}).get("schema", "")

    @property
    def mode(self) -> str:
        """The least that any of it was read by."""
        modes = {state.mode for state in self.tables.values()} | {self.large_objects.mode}
        return max(modes, key=MODES.index)


def _plain(identifier: str) -> str:
    """A name as quote_ident() wrote it, without its quotes."""
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


@dataclass(frozen=True)
class DatabaseProperties:
    """What belongs to a database and not to its content.

    :param creation: encoding, locale provider and the like, as ``CREATE DATABASE`` options.
    :param acl: (grantee or empty for PUBLIC, privilege, grantable) in order; None for the default.
    :param template: whether others may copy it, and no one may drop it (``IS_TEMPLATE``).
    :param settings: (role or empty for the database, "name=value").
    """

    owner: str
    creation: Mapping[str, str]
    tablespace: str
    connection_limit: int
    comment: str | None
    acl: tuple[tuple[str, str, bool], ...] | None
    template: bool
    settings: tuple[tuple[str, str], ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Cluster:
    """What a database rests on outside itself; no password.

    :param objects: by kind (role, membership, tablespace, database) and name, the definition.
    :param needs: by kind (role, tablespace), the names without which the database cannot be restored.
    """

    objects: Mapping[str, Mapping[str, str]]
    needs: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class OwnerCode:
    """A function of a database that the database itself calls.

    :param function: qualified.
    :param owner: the role that it belongs to.
    :param used_by: the object that calls it.
    """

    function: str
    owner: str
    used_by: str

    @property
    def described(self) -> str:
        return f"{self.function} of {self.owner} ({self.used_by})"


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is, and what opens it.

    :param url: ``s3://bucket`` or ``s3://bucket/prefix``, without a slash at its end.
    :param endpoint_url: of a store other than Amazon's.
    :param access_key: boto3 looks for credentials by itself when it is empty.
    """

    url: str
    endpoint_url: str = ""
    region: str = ""
    ca_file: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)

    @property
    def bucket(self) -> str:
        return self.url[len(STORE_SCHEME) :].partition("/")[0]

    @property
    def prefix(self) -> str:
        return self.url[len(STORE_SCHEME) :].partition("/")[2]

    def of(self, name: str) -> str:
        return f"{self.url}/{name}"
