# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only importer of psycopg2: sessions that read or change, with pinned settings and no time-outs of others."""

from __future__ import annotations

import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Union

from ..errors import BadRequest, ConnectionFailed, LockNotAvailable, PgsafeError, QueryFailed, Refused
from ..model import Target

try:
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
    from psycopg2 import sql

    # The bytes of a database in SQL_ASCII are unchecked; each is some character of Latin 1.
    psycopg2.extensions.encodings.update({"SQL_ASCII": "iso8859_1", "SQLASCII": "iso8859_1"})
    PSYCOPG2_ERROR: str | None = None
except ImportError:
    PSYCOPG2_ERROR = traceback.format_exc()

Row = tuple[Any, ...]
Query = Union[str, "sql.Composable"]

APPLICATION = "pgsafe"

# Marks the sessions of one guard's worker, and of the programs that it starts.
WORKER_VARIABLE = "PGSAFE_WORKER"

# Where the names in our SQL are found. Temporary objects come last: a function in the database could create one with
# the name of a catalog. https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH
SAFE_PATH = "pg_catalog, pg_temp"

# The owner of a database decides with ALTER DATABASE what a session begins with, so ours are sent when it connects, and
# have precedence: what names mean, who we are, the text of a value, and what would cut a session short or make it fail.
# Each of these is known to every major. https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-SHELL
PINNED = {
    "search_path": SAFE_PATH,
    "role": "none",
    "local_preload_libraries": "",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "row_security": "off",
    "constraint_exclusion": "off",
    "exit_on_error": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "0",
}

PINNED_BUT_PATH = {name: value for name, value in PINNED.items() if name != "search_path"}

# What some majors do not know would end the session if it were sent at connect, so it is set as soon as it stands: by
# the first ``server_version_num`` that knows it. SET looks up no name, and is quicker than a look into pg_settings.
PINNED_LATER = {140000: {"idle_session_timeout": "0"}, 170000: {"transaction_timeout": "0"}}

# Writing sessions of this collection go on under a read-only default of the database or of the role.
WRITING = {"default_transaction_read_only": "off"}

# https://www.postgresql.org/docs/current/libpq-envars.html
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "channel_binding": "PGCHANNELBINDING",
    "service": "PGSERVICE",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "requirepeer": "PGREQUIREPEER",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "client_encoding": "PGCLIENTENCODING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}

_KEEPALIVES = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


# Everything a transaction of these modes reads is of one moment.
ONE_SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_GIVE_BACK = "ROLLBACK TO SAVEPOINT before_locks; RELEASE SAVEPOINT before_locks"


class Session:
    """One connection. Statements run by themselves unless inside :meth:`transaction`."""

    def __init__(self, connection: Any, target: Target) -> None:
        self._connection = connection
        self.target = target

    @property
    def pid(self) -> int:
        return int(self._connection.info.backend_pid)

    @property
    def version(self) -> int:
        """``server_version_num``, such as 180006."""
        return int(self._connection.server_version)

    @property
    def encoding(self) -> str:
        """What the server sends text in, such as ``UTF8``: that of the database, unless the caller wants another."""
        return str(self.value("SHOW client_encoding"))

    def rows(self, query: Query, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Row]:
        """All rows of a query.

        :raises QueryFailed: the server refused it.
        :raises ConnectionFailed: the session was lost.
        """
        with self._reporting(), self._connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def row(self, query: Query, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> Row:
        """The first row of a query that always has one."""
        return self.rows(query, parameters)[0]

    def value(self, query: Query, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> Any:
        """The first value of the first row."""
        return self.row(query, parameters)[0]

    def execute(self, query: Query, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        self.rows(query, parameters)

    def copy_out(self, query: Query, sink: IO[bytes]) -> int:
        """Stream a COPY … TO STDOUT into a sink; the number of rows."""
        with self._reporting(), self._connection.cursor() as cursor:
            cursor.copy_expert(query, sink, size=1 << 20)
            return int(cursor.rowcount)

    def copy_in(self, query: Query, chunks: Iterator[bytes]) -> int:
        """Stream chunks into a COPY … FROM STDIN; the number of rows.

        :raises QueryFailed: the server refused a row; what the chunks raise goes through as it is.
        """
        source = _Source(chunks)
        with self._reporting(), self._connection.cursor() as cursor:
            try:
                cursor.copy_expert(query, source)
            except psycopg2.Error:
                if source.error:
                    raise source.error from None
                raise
            return int(cursor.rowcount)

    def run_script(self, script: bytes) -> None:
        """Statements in the encoding that they set themselves, as pg_dump writes them, and without COPY.

        What they have set is pinned again afterwards as far as names and texts depend on it.

        :raises QueryFailed: the server refused one.
        """
        with self._reporting(), self._connection.cursor() as cursor:
            cursor.execute(script)
        self.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (SAFE_PATH,))

    @contextmanager
    def transaction(self, options: str = "") -> Iterator[None]:
        """A transaction that is committed at the end and rolled back on any error.

        :param options: transaction modes, such as ``ISOLATION LEVEL REPEATABLE READ, READ ONLY``.
        """
        self.execute(f"BEGIN {options}")
        try:
            yield
        except BaseException:
            with suppress(PgsafeError):
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def attempt(self, query: Any) -> str:
        """A statement of a transaction that goes on when it fails; the statement and why, or nothing.

        :raises ConnectionFailed: the session was lost.
        """
        self.execute("SAVEPOINT before_attempt")
        try:
            self.execute(query)
        except QueryFailed as error:
            self.execute("ROLLBACK TO SAVEPOINT before_attempt")
            return f"{query.as_string(self._connection)} ({error.what})"
        self.execute("RELEASE SAVEPOINT before_attempt")
        return ""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun and not ended."""
        status = self._connection.info.transaction_status
        return bool(status != psycopg2.extensions.TRANSACTION_STATUS_IDLE)

    @contextmanager
    def giving_back_locks(self) -> Iterator[None]:
        """Keep no lock that the block takes, though its transaction goes on: the server has room for so many only.

        https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
        """
        if not self.in_transaction:
            yield
            return
        self.execute("SAVEPOINT before_locks")
        try:
            yield
        except LockNotAvailable:
            # The transaction goes on, with what it does next.
            self.execute(_GIVE_BACK)
            raise
        self.execute(_GIVE_BACK)

    def verifier_of(self, user: str, password: str) -> str:
        """What the server keeps of a password, so that its log need not show it."""
        with self._reporting():
            return str(psycopg2.extensions.encrypt_password(password, user, self._connection, "scram-sha-256"))

    def name(self, purpose: str) -> None:
        """Call the session something else from now on, for people who look at pg_stat_activity."""
        self.execute("SELECT pg_catalog.set_config('application_name', %s, false)", (application_name(purpose),))

    def find_names_by(self, search_path: str) -> None:
        """For the rest of the transaction, in which nothing but the user's own SQL may follow.

        :param search_path: as :func:`search_path_of` gives it.
        """
        self.execute("SELECT pg_catalog.set_config('search_path', %s, true)", (search_path,))

    def cancel(self) -> None:
        """Ask the server, from any thread, to cancel the running statement."""
        with suppress(Exception):  # psycopg2.Error has no name where psycopg2 is missing
            self._connection.cancel()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            raise _translated(error, self._connection.closed != 0, self.target) from error
        except UnicodeEncodeError as error:
            raise QueryFailed(
                f"{self.target.dbname}: the statement has {error.object[error.start]!r}, which its encoding lacks."
            ) from error


class _Source:
    """What psycopg2 reads from; it would turn an error of the chunks into one of the server's."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.error: BaseException | None = None

    def read(self, _size: int) -> bytes:
        try:
            return next(self._chunks, b"")
        except BaseException as error:
            self.error = error
            raise


def codec(encoding: str) -> str:
    """Python's name of an encoding of PostgreSQL's: https://www.postgresql.org/docs/current/multibyte.html"""
    return str(psycopg2.extensions.encodings[encoding])


def literal(value: Any) -> Any:
    return sql.Literal(value)


def identifier(*names: str) -> Any:
    """A qualified name; sql.Identifier would garble what is not ASCII in a session whose encoding is not UTF-8."""
    return sql.SQL(".".join('"' + name.replace('"', '""') + '"' for name in names))


def statement(template: str, **parts: Any) -> Any:
    """A statement of a template with ``{name}`` places for identifiers, literals or statements."""
    return sql.SQL(template).format(**parts)


def joined(separator: str, parts: Sequence[Any]) -> Any:
    return sql.SQL(separator).join(parts)


@contextmanager
def session(target: Target, settings: Mapping[str, str] | None = None, purpose: str = "") -> Iterator[Session]:
    """A session with pinned settings, closed in any case.

    :param settings: further ones, over the pinned.
    :param purpose: added to application_name, for people who look at pg_stat_activity.
    :raises ConnectionFailed: no session could be had; the message says what to do.
    """
    opened = connect(target, settings, purpose)
    try:
        yield opened
    finally:
        opened.close()


def connect(target: Target, settings: Mapping[str, str] | None = None, purpose: str = "") -> Session:
    """Like :func:`session`, for a caller who closes it.

    :raises ConnectionFailed: no session could be had.
    """
    if PSYCOPG2_ERROR:
        raise ConnectionFailed(
            f"No connection to {target.described}: psycopg2 is not installed for {sys.executable}.",
            remedy="Install the package python3-psycopg2.",
        )
    opened = _opened(target, {**PINNED, **target.startup, **(settings or {})}, purpose)
    try:
        _require_safe_path(opened)
        _require_safe_casts(opened)
        _pin_later(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _opened(target: Target, settings: Mapping[str, str], purpose: str) -> Session:
    connection = _connection(target, settings, purpose)
    connection.autocommit = True
    return Session(connection, target)


def _connection(target: Target, settings: Mapping[str, str], purpose: str, factory: Any = None) -> Any:
    keywords: dict[str, Any] = {
        "connect_timeout": "10",
        **_KEEPALIVES,
        **target.params,
        "dbname": target.dbname,
        "application_name": application_name(purpose),
        "options": _options(target, settings),
    }
    try:
        return psycopg2.connect(**keywords, connection_factory=factory)
    except psycopg2.Error as error:
        raise _not_connected(error, target) from error


@contextmanager
def snapshot_of_slot(target: Target, slot: str, patience: float) -> Iterator[str]:
    """Make a logical replication slot; the name of the snapshot that its changes follow, for the time of the block.

    https://www.postgresql.org/docs/current/protocol-replication.html

    :param slot: of letters, digits and underscores.
    :param patience: seconds to wait for the transactions that run now.
    :raises QueryFailed: they did not, or the server refused.
    """
    factory = psycopg2.extras.LogicalReplicationConnection
    opened = Session(_connection(target, {**PINNED, **target.startup}, "slot", factory), target)
    # A walsender ignores statement_timeout.
    limit = threading.Timer(patience, opened.cancel)
    limit.daemon = True
    try:
        limit.start()
        exported = str(opened.row(f"CREATE_REPLICATION_SLOT {slot} LOGICAL pgoutput (SNAPSHOT 'export')")[2])
        limit.cancel()
        yield exported
    finally:
        limit.cancel()
        opened.close()


def conninfo(**keywords: str) -> str:
    """A connection string of libpq, its values quoted."""
    return str(psycopg2.extensions.make_dsn(**keywords))


def _require_safe_path(opened: Session) -> None:
    """SHOW looks up no name, so it can be asked whatever the search_path is.

    :raises ConnectionFailed: a pooler has dropped what was sent at connect.
    """
    path = opened.value("SHOW search_path")
    if path != SAFE_PATH:
        raise ConnectionFailed(
            f"The session with {opened.target.described} did not take the settings that were sent at connect: its "
            f"search_path is {path}.",
            remedy="Connect to the server itself: a pooler in between ignores them (PgBouncer: "
            "ignore_startup_parameters).",
        )


# Casts have no schema: one between two types of PostgreSQL's own counts for our SQL too, and only a superuser makes it,
# but the owner of its function says what that does. https://www.postgresql.org/docs/current/sql-createcast.html
_CASTS = """
SELECT c.castfunc FROM pg_catalog.pg_cast c
 WHERE c.castfunc >= 16384 AND c.castsource < 16384 AND c.casttarget < 16384
"""

_UNSAFE = """
SELECT p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
 WHERE p.oid = ANY (%s::oid[]) AND NOT r.rolsuper AND r.rolname <> SESSION_USER
"""


def _require_safe_casts(opened: Session) -> None:
    """Every session asks the first question, and next to none of them has anything to ask the second one about.

    :raises Refused: our own SQL would run a function that another role may replace.
    """
    functions = [function for (function,) in opened.rows(_CASTS)]
    unsafe = [str(function) for (function,) in opened.rows(_UNSAFE, (functions,))] if functions else []
    if unsafe:
        raise Refused(
            f"Casts between built-in types in {opened.target.dbname} call functions of a role that is not a superuser: "
            f"{', '.join(unsafe)}. Any SQL may run these functions, with the rights of the role that runs the SQL.",
            remedy=f"As a superuser, look at what it does, then: ALTER FUNCTION {unsafe[0]} OWNER TO a superuser.",
        )


def search_path_of(target: Target) -> str:
    """Where the database and the role that connects have names found; what SET search_path takes.

    SQL of the user's own is written for it. No name is looked up in the session that tells it.

    :raises ConnectionFailed: no session could be had.
    """
    opened = _opened(target, {**PINNED_BUT_PATH, **target.startup}, "look")
    try:
        return str(opened.value("SHOW search_path"))
    finally:
        opened.close()


def _pin_later(opened: Session) -> None:
    """In one round trip, what this server knows."""
    known = [settings for first, settings in PINNED_LATER.items() if opened.version >= first]
    if known:
        opened.execute("; ".join(f"SET {name} = {value}" for settings in known for name, value in settings.items()))


def application_name(purpose: str = "") -> str:
    """At most 63 bytes, as the server would cut it; in the worker of a guard with its token at the end."""
    token = os.environ.get(WORKER_VARIABLE, "")
    suffix = f" {token}" if token else ""
    return f"{APPLICATION} {purpose}".strip()[: 63 - len(suffix)] + suffix


def environment(target: Target, settings: Mapping[str, str] | None = None, purpose: str = "") -> dict[str, str]:
    """The connection as libpq environment variables, for the client tools; the password is only here.

    Their sessions begin with the settings that those of :func:`session` begin with.

    :raises BadRequest: a connect_params keyword has no variable.
    """
    return environment_of_user(target, {**PINNED, **target.startup, **(settings or {})}, purpose)


def environment_of_user(target: Target, settings: Mapping[str, str], purpose: str) -> dict[str, str]:
    """As :func:`environment`, but nothing is pinned: for the user's own SQL, which expects the database's settings.

    :raises BadRequest: a connect_params keyword has no variable.
    """
    unknown = sorted(set(target.params) - set(_VARIABLES) - {"options"})
    if unknown:
        raise BadRequest(
            f"connect_params {', '.join(unknown)} cannot be handed to the client tools.",
            remedy="Put them into a connection service file and name it by service.",
        )
    env = {_VARIABLES[keyword]: value for keyword, value in target.params.items() if keyword != "options"}
    return {
        **env,
        "PGDATABASE": target.dbname,
        "PGAPPNAME": application_name(purpose),
        "PGCONNECT_TIMEOUT": env.get("PGCONNECT_TIMEOUT", "10"),
        "PGOPTIONS": _options(target, {**target.startup, **settings}),
    }


def _options(target: Target, settings: Mapping[str, str]) -> str:
    """The user's own options, and after them ours: the last one of a name counts."""
    given = target.params.get("options", os.environ.get("PGOPTIONS", ""))
    ours = [f"-c {name}={_escaped(value)}" for name, value in settings.items()]
    return " ".join([given, *ours] if given else ours)


def _escaped(value: str) -> str:
    """https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS"""
    return re.sub(r"([\\\s])", r"\\\1", value)


def _translated(error: Any, closed: bool, target: Target) -> PgsafeError:
    text = _said(error)
    if closed or (error.pgcode is None and isinstance(error, psycopg2.OperationalError)):
        return ConnectionFailed(f"The session with {target.described} was lost: {text}")
    if error.pgcode == "55P03":
        return LockNotAvailable(text, "55P03")
    return QueryFailed(f"{target.dbname}: {text}", error.pgcode or "", remedy=_QUERY_ADVICE.get(error.pgcode, ""))


# By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_QUERY_ADVICE = {
    "42501": "Connect as the owner or as a superuser, or have the owner grant what the role lacks (SELECT on the "
    "table, USAGE on its schema). Where row-level security hides rows, the role needs BYPASSRLS; "
    "the owner sees them after ALTER TABLE … NO FORCE ROW LEVEL SECURITY.",
}


def _said(error: Any) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())


def _not_connected(error: Any, target: Target) -> ConnectionFailed:
    text = " ".join(str(error).split())
    what = f"No connection to {target.described}: {text}"
    return ConnectionFailed(what, remedy=next((advice for sign, advice in _ADVICE if sign in text), _ADVICE[-1][1]))


_ADVICE = (
    ("password authentication failed", "Check login_user and login_password (or the pgpass file)."),
    ("no password supplied", "Give login_password, or a pgpass file through connect_params passfile."),
    (
        "Peer authentication failed",
        "Run the play with become: true and become_user: postgres, or connect by login_host.",
    ),
    ("pg_hba.conf", "Add a line for this user, address and database to pg_hba.conf and reload the server."),
    ("does not exist", "Check the name in login_db and login_user (see: psql -l)."),
    (
        "is not currently accepting connections",
        "The database is closed, perhaps by an unfinished run: run the playbook pgsafe.migration.rollback.",
    ),
    ("unsupported startup parameter", "Connect to the server itself: the pooler in between refuses our settings."),
    ("starting up", "Wait until the server has recovered."),
    ("too many clients", "Free a session, or raise max_connections."),
    ("", "Check that the server runs and listens there: systemctl status postgresql, or pg_isready."),
)
