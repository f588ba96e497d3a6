# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One exported snapshot, and the locks that keep its tables from being truncated, rewritten or dropped.

A lock is never requested for longer than :data:`LOCK_WAIT_SECONDS`: a client that needs a table for itself meanwhile
queues behind the request, and all other clients of the table behind that one. What is free is found by looking.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import ConnectionFailed, LockNotAvailable, QueryFailed, Refused
from ..model import Table, Target
from ..ports.database import ONE_SNAPSHOT, Session, connect, identifier, joined, literal, statement
from . import queries

LOCK_WAIT_SECONDS = 0.5
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Snapshot:
    """:param name: for SET TRANSACTION SNAPSHOT and ``pg_dump --snapshot``.
    :param lsn: the write-ahead log position just after it was taken.
    """

    name: str
    lsn: str
    session: Session

    def loss(self) -> str:
        """Why it is held no more, or nothing: sessions that imported it keep it, but no other session can import it."""
        try:
            self.session.execute("SELECT")
        except QueryFailed:
            # It stands; its transaction has failed.
            return ""
        except ConnectionFailed as error:
            return f"The session that holds the snapshot was ended: {error.what}"
        return ""


@contextmanager
def holder(target: Target, purpose: str) -> Iterator[Session]:
    """The session of the only backup of this database: it exports a snapshot, and another one when that was in vain.

    :raises Refused: another backup is being taken, or the server would not keep a snapshot.
    """
    session = connect(target, purpose=purpose)
    try:
        _claim(session)
        _require_lasting(session)
        yield session
    finally:
        session.close()


def await_free(session: Session, patience: float) -> None:
    """Look, without queueing for it, until no other session has a table for itself or waits for that.

    :param patience: seconds to go on looking.
    :raises LockNotAvailable: one still has; the message names it and the table.
    """
    deadline = time.monotonic() + patience
    while session.rows(queries.LOCK_HOLDERS):
        if time.monotonic() > deadline:
            raise held(session)
        time.sleep(_LOOK_SECONDS)


def export(session: Session, of: str = "") -> Snapshot:
    """Export a snapshot without a lock on any table, and hold it until :func:`release`.

    :param of: a snapshot that another session has exported, which is exported again; empty for one of now.

    A TRUNCATE or a rewriting ALTER TABLE between the snapshot and the locks would show a reader of the snapshot an
    empty table: the caller compares the tables' files once it has the locks.
    https://www.postgresql.org/docs/current/mvcc-caveats.html
    """
    session.execute(f"BEGIN {ONE_SNAPSHOT}")
    if of:
        session.execute(statement("SET TRANSACTION SNAPSHOT {name}", name=literal(of)))
    name, lsn = session.row("SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_current_wal_lsn()::text")
    return Snapshot(name, lsn, session)


def release(session: Session) -> None:
    """Give the snapshot and all locks back; the database stays claimed."""
    session.execute("ROLLBACK")


def lock(session: Session, but: Collection[tuple[str, str]] = (), dumps: int = 1) -> bool:
    """Lock every table ACCESS SHARE, once pg_dump has: before that, a client that waits for these locks would hold
    pg_dump up, which the server cannot see to be a deadlock.

    :param but: tables that are not locked, by schema and name.
    :param dumps: how many pg_dumps lock a table at the same time.
    :returns: whether they are locked; there may be too many tables for it.
    :raises LockNotAvailable: another session waits for one, or has it.
    """
    tables = [Table(*row) for row in session.rows(queries.LOCKABLE)]
    if not _room_for(session, (1 + dumps) * len(tables)):
        return False
    _lock([name for name in ((table.schema, table.name) for table in tables) if name not in but], session)
    return True


@contextmanager
def locked(session: Session, tables: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Some tables, by schema and name, locked as by :func:`lock`, for the time of the block.

    :raises LockNotAvailable: another session waits for one, or has it.
    """
    if not tables:
        yield
        return
    session.execute("SAVEPOINT before_tables")
    _lock(tables, session)
    yield
    session.execute("ROLLBACK TO SAVEPOINT before_tables; RELEASE SAVEPOINT before_tables")


def _lock(tables: Sequence[tuple[str, str]], session: Session) -> None:
    _limit_waiting(session, LOCK_WAIT_SECONDS)
    if not tables:
        return
    names = [identifier(*table) for table in tables]
    try:
        session.execute(statement("LOCK TABLE {tables} IN ACCESS SHARE MODE", tables=joined(", ", names)))
    except LockNotAvailable as error:
        release(session)
        raise held(session) from error


def _claim(session: Session) -> None:
    """One backup of a database at a time, across all hosts: an advisory lock that goes with the session.

    :raises Refused: another one is being taken; the message says whose.
    """
    if session.value(queries.ADVISORY):
        return
    holders = [
        f"pid {pid} ({user}, {application}, from {address}, since {since} UTC)"
        for pid, user, application, address, since in session.rows(queries.ADVISORY_HOLDER)
    ]
    raise Refused(
        f"{session.target.dbname} is being backed up already: {'; '.join(holders) or 'it has just ended'}.",
        remedy="Wait for it to end.",
    )


def _require_lasting(session: Session) -> None:
    """
    :raises Refused: the server may throw away what the snapshot needs (up to PostgreSQL 16).
    """
    threshold = session.value("SELECT pg_catalog.current_setting('old_snapshot_threshold', true)")
    if threshold not in (None, "", "-1"):
        raise Refused(
            f"old_snapshot_threshold is {threshold}: the snapshot of a long backup could become too old.",
            remedy="Set old_snapshot_threshold = -1 and restart the server.",
        )


def _room_for(session: Session, locks: int) -> bool:
    """Whether our locks and pg_dump's together leave half of the lock table to everybody else."""
    return locks <= int(session.value(queries.LOCK_CAPACITY)) // 2


def lockers(session: Session) -> list[str]:
    """The tables which other sessions have for themselves, or wait for, and these sessions, a line each."""
    return [
        f"{table}: pid {pid or '-'} ({user}, {application or 'no application name'}, in its transaction for {age} s"
        f"{'' if granted else ', waiting for the lock'})"
        for table, pid, user, application, age, granted in session.rows(queries.LOCK_HOLDERS)
    ]


def held(session: Session) -> LockNotAvailable:
    """The error that names the tables which other sessions have for themselves, and these sessions."""
    told = lockers(session)
    return LockNotAvailable(
        f"A table of {session.target.dbname} is locked by another session: {'; '.join(told) or 'it has just ended'}.",
        "55P03",
        remedy="Wait for it or end it (SELECT pg_terminate_backend(pid), or ROLLBACK PREPARED), then run again.",
    )


def _limit_waiting(session: Session, seconds: float) -> None:
    limit = literal(f"{int(seconds * 1000)}ms")
    session.execute(statement("SET LOCAL lock_timeout = {limit}", limit=limit))


@contextmanager
def reader(target: Target, snapshot: Snapshot, purpose: str, lock_wait: float = 0) -> Iterator[Session]:
    """Another session that sees exactly the snapshot.

    :param lock_wait: seconds that it waits for a table; 0 sets no limit.
    """
    session = connect(target, purpose=purpose)
    try:
        session.execute(f"BEGIN {ONE_SNAPSHOT}")
        session.execute(statement("SET TRANSACTION SNAPSHOT {name}", name=literal(snapshot.name)))
        _limit_waiting(session, lock_wait)
        yield session
    finally:
        session.close()
