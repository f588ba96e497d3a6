# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One exported snapshot over tables that no session can truncate, rewrite or drop while it is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import LockNotAvailable, PgsafeError, Refused
from ..model import Table, Target
from ..ports.database import ONE_SNAPSHOT, Session, connect, identifier, joined, literal, statement
from . import queries

_ATTEMPTS = 5


@dataclass(frozen=True)
class Snapshot:
    """:param name: for SET TRANSACTION SNAPSHOT and ``pg_dump --snapshot``.
    :param lsn: the write-ahead log position just after it was taken.
    :param locked: whether every table is locked; else there were too many, and the caller checks afterwards
        whether a table was rewritten meanwhile.
    :param lock_timeout: seconds that its readers wait for a table.
    """

    name: str
    lsn: str
    session: Session
    locked: bool
    lock_timeout: int

    def loss(self) -> str:
        """Why it is held no more, or nothing: sessions that imported it keep it, but no other session can import it."""
        try:
            self.session.execute("SELECT")
        except PgsafeError as error:
            return f"The session that holds the snapshot was ended: {error.what}"
        return ""


@contextmanager
def shared(target: Target, lock_timeout: int, purpose: str) -> Iterator[Snapshot]:
    """Lock every table ACCESS SHARE, then export a snapshot, and hold both until the end.

    The locks come first: a TRUNCATE or a rewriting ALTER TABLE between the snapshot and a reader of it would
    show that reader an empty table. https://www.postgresql.org/docs/current/mvcc-caveats.html

    :param lock_timeout: seconds to wait for a table.
    :raises LockNotAvailable: another session holds one; the message names it.
    """
    session = connect(target, purpose=purpose)
    try:
        yield _export(session, lock_timeout)
    finally:
        session.close()


def _export(session: Session, lock_timeout: int) -> Snapshot:
    _claim(session)
    _require_lasting(session)
    for _attempt in range(_ATTEMPTS):
        listed = _lockable(session)
        locked = _room_for(session, len(listed))
        session.execute(f"BEGIN {ONE_SNAPSHOT}")
        session.execute(statement("SET LOCAL lock_timeout = {limit}", limit=literal(f"{lock_timeout}s")))
        if locked:
            _lock(session, listed)
        name, lsn = session.row("SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_current_wal_lsn()::text")
        if _lockable(session) == listed:
            return Snapshot(name, lsn, session, locked, lock_timeout)
        session.execute("ROLLBACK")
    raise Refused(
        f"The tables of {session.target.dbname} changed {_ATTEMPTS} times while they were being locked.",
        remedy="Wait until no session creates or drops tables, then run again.",
    )


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


def _room_for(session: Session, tables: int) -> bool:
    """Whether our locks and pg_dump's together leave half of the lock table to everybody else."""
    return 2 * tables <= int(session.value(queries.LOCK_CAPACITY)) // 2


def _lockable(session: Session) -> list[Table]:
    return [Table(*row) for row in session.rows(queries.LOCKABLE)]


def _lock(session: Session, tables: list[Table]) -> None:
    if not tables:
        return
    names = [identifier(table.schema, table.name) for table in tables]
    try:
        session.execute(statement("LOCK TABLE {tables} IN ACCESS SHARE MODE", tables=joined(", ", names)))
    except LockNotAvailable as error:
        raise _held(session) from error
    except PgsafeError as error:
        if getattr(error, "sqlstate", "") == "42P01":
            # Dropped since it was listed: the comparison of the lists asks for another attempt.
            session.execute("ROLLBACK")
            session.execute(f"BEGIN {ONE_SNAPSHOT}")
            return
        raise


def _held(session: Session) -> LockNotAvailable:
    session.execute("ROLLBACK")
    holders = [
        f"{table}: pid {pid or '-'} ({user}, {application or 'no application name'}, in its transaction for {age} s)"
        for table, pid, user, application, age in session.rows(queries.LOCK_HOLDERS)
    ]
    who = "; ".join(holders) or "the holder has gone meanwhile"
    return LockNotAvailable(
        f"A table of {session.target.dbname} is locked by another session: {who}.",
        "55P03",
        remedy="Wait for it or end it (SELECT pg_terminate_backend(pid), or ROLLBACK PREPARED), then run again.",
    )


@contextmanager
def reader(target: Target, snapshot: Snapshot, purpose: str) -> Iterator[Session]:
    """Another session that sees exactly the snapshot."""
    session = connect(target, purpose=purpose)
    try:
        session.execute(f"BEGIN {ONE_SNAPSHOT}")
        session.execute(statement("SET TRANSACTION SNAPSHOT {name}", name=literal(snapshot.name)))
        limit = literal(f"{snapshot.lock_timeout}s")
        session.execute(statement("SET LOCAL lock_timeout = {limit}", limit=limit))
        yield session
    finally:
        session.close()
