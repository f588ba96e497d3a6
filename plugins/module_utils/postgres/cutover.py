# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Close a database, open it, rename it, and put another one in its place: each in one transaction, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import LockNotAvailable, PgsafeError, QueryFailed, Refused
from ..model import DatabaseProperties, Identity, Target
from ..ports import parallel
from ..ports.database import WRITING, Session, identifier, literal, session, statement
from . import identity as identities
from . import properties, queries

PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.02
_IN_USE = "55006"

# The cut-over itself must not be lost in a crash, whatever the server's default is.
DURABLE = {**WRITING, "synchronous_commit": "on", "lock_timeout": "10s"}


@dataclass(frozen=True)
class Here:
    """What must still be so when statements about databases are run.

    :param server: an identity whose system identifier and timeline are the server's.
    :param databases: the OID of each database by its name of now.
    """

    server: Identity
    databases: Mapping[str, int]


@dataclass(frozen=True)
class Swap:
    """:param live: the name that people know.
    :param leaving: by its name of now, the name that each database which leaves the place is kept under.
    :param restored: the database that takes the place.
    """

    live: str
    leaving: Mapping[str, str]
    restored: str


@dataclass(frozen=True)
class Applied:
    """:param refused: wishes that were not fulfilled, and why."""

    seconds: float
    refused: tuple[str, ...]


def end_sessions(server: Session, database: str, ours: Sequence[int] = ()) -> int:
    """End every other client session of a database and wait until each is gone; how many there were.

    :raises Refused: one could not be ended within 30 s.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    ended: set[int] = set()
    while left := server.rows(queries.SESSIONS, (database, [server.pid, *ours])):
        for pid, user, *_rest in left:
            end(server, database, pid, user)
            ended.add(pid)
        if time.monotonic() > deadline:
            raise _not_ended(server, database, ours)
        time.sleep(_PAUSE_SECONDS)
    return len(ended)


def end_each_once(server: Session, database: str) -> None:
    """End the client sessions of now, and not those that come back.

    :raises Refused: the role may not.
    """
    for pid, user, *_rest in server.rows(queries.SESSIONS, (database, [server.pid])):
        end(server, database, pid, user)


def end(server: Session, database: str, pid: int, user: str) -> None:
    """End one session, and wait up to 5 s for it to be gone.

    :raises Refused: the role may not.
    """
    try:
        server.execute(queries.TERMINATE, (pid,))
    except QueryFailed as error:
        raise Refused(
            f"The session {pid} of {user} in {database} cannot be ended: {error.what}",
            remedy="Ask its user to disconnect, or connect as a superuser.",
        ) from error


def _not_ended(server: Session, database: str, ours: Sequence[int]) -> Refused:
    left = [
        f"pid {pid} ({user}, {application or 'no application name'} from {address}, {state})"
        for pid, user, application, address, state, _age in server.rows(
            queries.SESSIONS, (database, [server.pid, *ours])
        )
    ]
    return Refused(
        f"Sessions of {database} were not ended within {PATIENCE_SECONDS:g} s: {'; '.join(left) or 'they come back'}.",
        remedy="Stop the application or the pooler that owns them, then run again.",
    )


def close(target: Target, database: str) -> int:
    """Block new connections and terminate existing sessions; returns the number terminated.

    :raises QueryFailed: the connecting role does not own the database.
    """
    with session(target.maintenance, DURABLE, "close") as server, naming_holders(server, [database]):
        server.execute(statement("ALTER DATABASE {name} ALLOW_CONNECTIONS false", name=identifier(database)))
        return end_sessions(server, database)


def reopen(target: Target, database: str) -> None:
    """Let everybody in again."""
    with session(target.maintenance, DURABLE, "open") as server, naming_holders(server, [database]):
        server.execute(statement("ALTER DATABASE {name} ALLOW_CONNECTIONS true", name=identifier(database)))


def swap(target: Target, here: Here, plan: Swap, wanted: DatabaseProperties, mark: str) -> Applied:
    """Rename the databases and open the new one: all of it, or nothing; with the properties that the role may give it.

    :param mark: the comment that tells what a kept database is.
    :raises Refused: this is another server, or a name belongs to another database by now.
    :raises QueryFailed: the server refused; nothing was renamed.
    """
    must = [*_leaving(plan, mark), *_taking_over(plan)]
    return apply(target, here, must, properties.statements(plan.live, wanted))


def _leaving(plan: Swap, mark: str) -> Iterator[Any]:
    for name, kept_name in plan.leaving.items():
        old, kept = identifier(name), identifier(kept_name)
        yield statement("ALTER DATABASE {old} RENAME TO {kept}", old=old, kept=kept)
        # A template could not be dropped.
        yield statement("ALTER DATABASE {kept} ALLOW_CONNECTIONS false IS_TEMPLATE false", kept=kept)
        yield statement("COMMENT ON DATABASE {kept} IS {mark}", kept=kept, mark=literal(mark))


def _taking_over(plan: Swap) -> Iterator[Any]:
    live = identifier(plan.live)
    yield statement("ALTER DATABASE {restored} RENAME TO {live}", restored=identifier(plan.restored), live=live)
    yield statement("COMMENT ON DATABASE {live} IS NULL", live=live)
    yield statement("ALTER DATABASE {live} ALLOW_CONNECTIONS true", live=live)


def apply(target: Target, here: Here, statements: Iterable[Any], wishes: Iterable[Any] = ()) -> Applied:
    """Statements about databases in one transaction, while every session of these is ended.

    RENAME waits 5 s for the last session to go, and takes a lock that lets no new one in once it is granted.

    :param wishes: statements of the same transaction whose failure does not undo the others.
    :raises Refused: this is another server, a name belongs to another database, or a session cannot be ended.
    :raises QueryFailed: the server refused; nothing was changed.
    """
    started = time.monotonic()
    with session(target.maintenance, DURABLE, "cut-over") as server:
        require(server, here)
        empty = emptied(target, list(here.databases.values()))
        with naming_holders(server, here.databases), empty, server.transaction():
            for text in statements:
                server.execute(text)
            refused = tuple(filter(None, [server.attempt(wish) for wish in wishes]))
    return Applied(round(time.monotonic() - started, 3), refused)


@contextmanager
def naming_holders(server: Session, databases: Collection[str]) -> Iterator[None]:
    """Statements about databases.

    :raises LockNotAvailable: another session holds a lock on one of them; the message names the session.
    """
    try:
        yield
    except LockNotAvailable as error:
        holders = [line for (line,) in server.rows(queries.DATABASE_LOCK_HOLDERS, (list(databases),))]
        told = "; ".join(holders) or "which one is not known"
        raise LockNotAvailable(
            f"{', '.join(databases)} could not be altered within {DURABLE['lock_timeout']}: another session has "
            f"altered or locked it in a transaction that is still open: {told}.",
            error.sqlstate,
            remedy="End that transaction (SELECT pg_terminate_backend(pid)), then run again.",
        ) from error


def require(server: Session, here: Here) -> None:
    """
    :raises Refused: this is another server, or a name belongs to another database by now.
    """
    name = server.target.dbname
    identities.require_same(here.server, identities.read(server, name), same_database=False)
    for database, oid in here.databases.items():
        found = server.rows(queries.DATABASE_OID, (database,))
        if [(oid,)] != found:
            raise Refused(
                f"{database} is not the database that it was: OID {found[0][0] if found else 'none'}, not {oid}."
            )


@contextmanager
def emptied(target: Target, oids: Sequence[int]) -> Iterator[None]:
    """End every session of these databases, every 20 ms, for as long as the block runs.

    :raises Refused: the block failed, and a session could not be ended.
    """
    failures: list[PgsafeError] = []
    with session(target.maintenance, WRITING, "end sessions") as server:
        try:
            with parallel.beside(partial(_end_until, server, list(oids), failures)):
                yield
        except PgsafeError as error:
            if failures:
                raise _not_ending(failures[0]) from error
            raise


def _end_until(server: Session, oids: list[int], failures: list[PgsafeError], over: threading.Event) -> None:
    try:
        while not over.is_set():
            server.execute(queries.TERMINATE_ALL, (oids,))
            over.wait(_PAUSE_SECONDS)
    except PgsafeError as error:
        failures.append(error)


def _not_ending(error: PgsafeError) -> Refused:
    return Refused(
        f"A session cannot be ended: {error.what}", remedy="Ask its user to disconnect, or connect as a superuser."
    )
