# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logical replication from a database into a copy of it on the same server: the statements, each safe to repeat.

https://www.postgresql.org/docs/current/logical-replication.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import LockNotAvailable, QueryFailed, Refused
from ..model import Catalog, Facts, Target
from ..ports.database import Session, conninfo, identifier, literal, statement
from . import queries

# The first release whose subscriptions end at the first error instead of trying for ever.
SINCE = 150000

# Of its own, and one that keeps the log for the comparison.
SLOTS = 2

# How long clients may queue behind a lock of ours, and how long one is asked for again.
_LOCK_WAIT_SECONDS = 0.5
_LOCK_PATIENCE_SECONDS = 30.0
# A slot may be read again and again for so long.
_SLOT_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.2

# Published tables whose UPDATE and DELETE would fail: by RelationGetIndexList (src/backend/utils/cache/relcache.c) an
# index is no identity when it is invalid or deferrable.
_KEYLESS = """
SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), n.nspname, c.relname, c.relreplident::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384 AND c.relreplident <> 'f'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i
                    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
                      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident
                          ELSE false END)
 ORDER BY n.nspname, c.relname
"""

_IDENTITY_OF = """
SELECT n.nspname, c.relname, c.relreplident::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s
"""
_FULL = """
SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relreplident = 'f'
"""
# By pg_class.relreplident; one by an index that is gone cannot be given again.
GIVEN_BACK = {"d": "DEFAULT", "n": "NOTHING"}

# As the fingerprint has it, where the default is no fact.
_IDENTITY = "replica identity"
_FACTS = {"d": "", "n": "nothing"}
_BY_FACT = {"": "DEFAULT", "nothing": "NOTHING"}

_HAS_PUBLICATION = "SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = %s"
_HAS_SUBSCRIPTION = """
SELECT s.subenabled, s.subslotname IS NOT NULL
  FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
 WHERE s.subname = %s AND d.datname = %s
"""

_SLOT = """
SELECT COALESCE(s.wal_status, ''), s.active_pid,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), s.confirmed_flush_lsn)::bigint
  FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = %s
"""
_REACHED = """
SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_catalog.pg_replication_slots WHERE slot_name = %s
"""
POSITION = "SELECT pg_catalog.pg_current_wal_insert_lsn()::text"
_DROP_SLOT = "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots"
_IN_USE = "55006"
_END_SUBSCRIBERS = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_subscription WHERE subname = %s AND pid IS NOT NULL
"""

_LOCKERS = """
SELECT DISTINCT format('pid %%s (%%s, in its transaction for %%s s)', a.pid, a.usename,
                       EXTRACT(epoch FROM pg_catalog.now() - a.xact_start)::bigint)
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE l.relation = %s::regclass AND l.granted AND a.pid <> pg_catalog.pg_backend_pid()
"""

# A slot begins when every transaction that has written has ended, in all databases, prepared ones too.
_WRITING_NOW = """
SELECT format('pid %s (%s in %s, for %s s)', pid, usename, datname,
              EXTRACT(epoch FROM pg_catalog.now() - xact_start)::bigint)
  FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
UNION ALL
SELECT format('prepared transaction %s in %s', gid, database) FROM pg_catalog.pg_prepared_xacts
"""

_OWN_ADDRESS = """
SELECT pg_catalog.current_setting('unix_socket_directories'), pg_catalog.current_setting('port'), SESSION_USER::text,
       (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10)
"""
_PROBE = "pgsafe_probe"


@dataclass(frozen=True)
class Keyless:
    """A table whose changed rows are known by all their columns alone.

    :param label: its name as the fingerprint has it.
    :param identity: pg_class.relreplident as it was.
    """

    oid: int
    label: str
    schema: str
    name: str
    identity: str


def keyless(reader: Session) -> list[Keyless]:
    return [Keyless(int(oid), *rest) for oid, *rest in reader.rows(_KEYLESS)]


def identify_by_row(server: Session, tables: Sequence[Keyless]) -> None:
    """REPLICA IDENTITY FULL, without which an application's UPDATE of a published table fails.

    :raises LockNotAvailable: clients have a table all the time.
    """
    for table in tables:
        _give_identity(server, (table.schema, table.name), "FULL")


def give_identities_back(server: Session, tables: Sequence[Keyless]) -> None:
    """What is FULL no more was changed by another, and is left alone.

    :raises LockNotAvailable: clients have a table all the time.
    """
    for table in tables:
        for schema, name, now in server.rows(_IDENTITY_OF, (table.oid,)):
            if now == "f":
                _give_identity(server, (schema, name), GIVEN_BACK[table.identity])


def _give_identity(server: Session, name: tuple[str, str], word: str) -> None:
    change = statement(f"ALTER TABLE ONLY {{name}} REPLICA IDENTITY {word}", name=identifier(*name))
    server.execute(f"SET lock_timeout = {_LOCK_WAIT_SECONDS * 1000:.0f}")
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while True:
        try:
            server.execute(change)
        except LockNotAvailable as error:
            if time.monotonic() > deadline:
                raise _locked(server, name) from error
            # Clients that queued behind ours get the table first.
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _locked(server: Session, name: tuple[str, str]) -> LockNotAvailable:
    holders = [line for (line,) in server.rows(_LOCKERS, (identifier(*name).string,))]
    return LockNotAvailable(
        f"The replica identity of {'.'.join(name)} cannot be changed: other sessions lock the table: "
        f"{'; '.join(holders) or 'they have just ended'}.",
        "55P03",
        remedy="End these transactions (SELECT pg_terminate_backend(pid)), then run again.",
    )


def publish(server: Session, name: str) -> None:
    server.execute(statement("CREATE PUBLICATION {name} FOR ALL TABLES", name=identifier(name)))


def unpublish(server: Session, name: str) -> None:
    if server.rows(_HAS_PUBLICATION, (name,)):
        server.execute(statement("DROP PUBLICATION {name}", name=identifier(name)))


def writing_now(server: Session) -> list[str]:
    """Sessions and prepared transactions that a slot waits for, a line each."""
    return [line for (line,) in server.rows(_WRITING_NOW)]


def without_ours(catalog: Catalog, publication: str, tables: Sequence[Keyless]) -> Catalog:
    """The facts of a database as they are without its publication for a run."""
    before = {table.label: _FACTS[table.identity] for table in tables}
    relations = {
        name: _with_identity(facts, before[name]) if name in before else facts
        for name, facts in catalog.get("relation", {}).items()
    }
    publications = {name: facts for name, facts in catalog.get("publication", {}).items() if name != publication}
    return {**catalog, "relation": relations, "publication": publications}


def _with_identity(facts: Facts, identity: str) -> Facts:
    others = {fact: text for fact, text in facts.items() if fact != _IDENTITY}
    return {**others, _IDENTITY: identity} if identity else others


def leave_out(copy: Session, publication: str, catalog: Catalog) -> None:
    """Take out of a restored copy what a run had given to the original for the time of its backup.

    :param catalog: of the backup, which has the facts as they were before.
    """
    if not copy.rows(_HAS_PUBLICATION, (publication,)):
        return
    if copy.value(queries.IS_SUPERUSER):
        copy.execute("SET session_replication_role = replica")
    relations = catalog.get("relation", {})
    for label, schema, name in copy.rows(_FULL):
        wanted = relations.get(label, {}).get(_IDENTITY, "")
        if label in relations and wanted in _BY_FACT:
            _give_identity(copy, (schema, name), _BY_FACT[wanted])
    unpublish(copy, publication)


def subscribe(copy: Session, name: str, address: str) -> None:
    """Let the copy follow what the slot of this name has kept.

    :param address: of the original, as :func:`own_address` gives it.
    """
    template = (
        "CREATE SUBSCRIPTION {name} CONNECTION {address} PUBLICATION {name} WITH (create_slot = false, "
        "slot_name = {slot}, copy_data = false, disable_on_error = true)"
    )
    copy.execute(statement(template, name=identifier(name), address=literal(address), slot=literal(name)))


def unsubscribe(copy: Session, name: str) -> None:
    """Without its slot, which may be gone or busy."""
    for enabled, has_slot in copy.rows(_HAS_SUBSCRIPTION, (name, copy.target.dbname)):
        mine = identifier(name)
        if enabled:
            copy.execute(statement("ALTER SUBSCRIPTION {name} DISABLE", name=mine))
        if has_slot:
            copy.execute(statement("ALTER SUBSCRIPTION {name} SET (slot_name = NONE)", name=mine))
        copy.execute(statement("DROP SUBSCRIPTION {name}", name=mine))


def drop_slot(server: Session, name: str, check: Callable[[], None] = lambda: None) -> None:
    """End who reads it, and drop it; nothing happens when it is not there.

    :param check: raises what ends the attempts earlier.
    :raises QueryFailed: it is read again and again.
    """
    deadline = time.monotonic() + _SLOT_PATIENCE_SECONDS
    while found := server.rows(_SLOT, (name,)):
        check()
        if found[0][1]:
            # A reader whose subscriber waits for a lock sends it a last message, and waits with it.
            server.rows(_END_SUBSCRIBERS, (name,))
            server.execute(queries.TERMINATE, (found[0][1],))
        try:
            server.rows(f"{_DROP_SLOT} WHERE slot_name = %s", (name,))
        except QueryFailed as error:
            if error.sqlstate != _IN_USE or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def behind(server: Session, copy: Target, name: str) -> int:
    """How many bytes of the log the copy has still to apply.

    :raises Refused: it follows no more.
    """
    found = server.rows(_SLOT, (name,))
    if not found or found[0][0] not in ("reserved", "extended", "unreserved"):
        state = found[0][0] or "invalid" if found else "gone; its guard drops it when the disk of pg_wal is filling up"
        raise Refused(
            f"The copy {copy.dbname} cannot follow any more: the replication slot {name} is {state}.",
            remedy="Give the server room for its log (max_slot_wal_keep_size, the disk of pg_wal), then run again.",
        )
    subscribed = server.rows(_HAS_SUBSCRIPTION, (name, copy.dbname))
    if not subscribed or not subscribed[0][0]:
        raise Refused(
            f"The copy {copy.dbname} has stopped following: a change could not be applied to it.",
            remedy="Read the server's log for the subscription of that name; DDL in the database is the usual reason. "
            "Stop schema changes, then run again.",
        )
    return int(found[0][2] or 0)


def reached(server: Session, position: str, name: str) -> bool:
    """Whether the copy has applied, durably, all that was written before a position."""
    found = server.rows(_REACHED, (position, name))
    return bool(found and found[0][0])


def is_read(server: Session, name: str) -> bool:
    """Whether a worker reads the slot just now."""
    found = server.rows(_SLOT, (name,))
    return bool(found and found[0][1])


def is_subscribed(server: Session, name: str, copy: str) -> bool:
    return bool(server.rows(_HAS_SUBSCRIPTION, (name, copy)))


def own_address(server: Session, database: str) -> str:
    """A connection string by which the server itself reaches a database of its own, without a password.

    :param server: a session of a superuser with the maintenance database, in which nothing is left.
    :raises Refused: it does not.
    """
    failures = []
    for keywords in _addresses(server):
        address = conninfo(**keywords, dbname=database)
        try:
            _probe(server, address)
        except QueryFailed as error:
            failures.append(f"as {keywords['user']} at {keywords['host']}: {error.what}")
        else:
            return address
    raise Refused(
        f"The server cannot connect to its own database {database} without a password: {'; '.join(failures)}.",
        remedy="Allow the server's own user by peer or trust for local connections in pg_hba.conf, or give that user a "
        ".pgpass file. A subscription keeps its connection string, so it must not hold a password.",
    )


def _addresses(server: Session) -> Iterator[Mapping[str, str]]:
    directories, port, user, first = server.row(_OWN_ADDRESS)
    sockets = [name.strip().strip('"') for name in directories.split(",")]
    given = server.target.params.get("host", "")
    hosts = [*filter(None, sockets), *([given] if given and not given.startswith("/") else [])]
    for who in dict.fromkeys([user, first]):
        for host in hosts:
            yield {"host": host, "port": str(port), "user": str(who), "connect_timeout": "10"}


def _probe(server: Session, address: str) -> None:
    """CREATE SUBSCRIPTION connects at once; nothing of it is kept.

    :raises QueryFailed: the server could not connect.
    """
    template = (
        f"CREATE SUBSCRIPTION {_PROBE} CONNECTION {{address}} PUBLICATION {_PROBE} "
        "WITH (create_slot = false, slot_name = NONE, enabled = false, copy_data = false)"
    )
    server.execute("BEGIN")
    try:
        server.execute(statement(template, address=literal(address)))
    finally:
        server.execute("ROLLBACK")
