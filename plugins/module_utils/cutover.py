# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Close a database, open it, and put another one in its place by renames in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.pgsafe.migration.plugins.module_utils import properties, queries
from ansible_collections.pgsafe.migration.plugins.module_utils.database import (
    WRITING,
    Session,
    identifier,
    literal,
    session,
    statement,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import QueryFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.model import DatabaseProperties, Target

PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.02
_IN_USE = "55006"

# The cut-over itself must not be lost in a crash, whatever the server's default is.
_DURABLE = {**WRITING, "synchronous_commit": "on"}


@dataclass(frozen=True)
class Swap:
    """:param live: the name that people know.
    :param replaced: the database that has been serving, by its name of now; None when it is gone.
    :param kept: the name it is kept under.
    :param restored: the database that takes the place.
    """

    live: str
    replaced: str | None
    kept: str
    restored: str


def end_sessions(server: Session, database: str, ours: Sequence[int] = ()) -> int:
    """End every other client session of a database and wait until each is gone; how many there were.

    :raises Refused: one could not be ended within 30 s.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    ended: set[int] = set()
    while left := server.rows(queries.SESSIONS, (database, [server.pid, *ours])):
        for pid, user, *_rest in left:
            _end(server, database, pid, user)
            ended.add(pid)
        if time.monotonic() > deadline:
            raise _not_ended(server, database, ours)
        time.sleep(_PAUSE_SECONDS)
    return len(ended)


def _end(server: Session, database: str, pid: int, user: str) -> None:
    try:
        server.execute(queries.TERMINATE, (pid,))
    except QueryFailed as error:
        raise Refused(
            f"The session {pid} of {user} in {database} cannot be ended: {error.what}",
            remedy="Ask its owner to leave, or connect as a superuser.",
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
    """Let nobody in any more and end who is in; how many sessions were ended.

    :raises QueryFailed: the connecting role does not own the database.
    """
    with session(target.maintenance, _DURABLE, "close") as server:
        server.execute(statement("ALTER DATABASE {name} ALLOW_CONNECTIONS false", name=identifier(database)))
        return end_sessions(server, database)


def reopen(target: Target, database: str) -> None:
    """Let everybody in again."""
    with session(target.maintenance, _DURABLE, "open") as server:
        server.execute(statement("ALTER DATABASE {name} ALLOW_CONNECTIONS true", name=identifier(database)))


def swap(target: Target, plan: Swap, wanted: DatabaseProperties, mark: str) -> None:
    """Rename both databases, move the properties and open the new one: all of it, or nothing.

    :param mark: the comment that tells what the kept database is.
    :raises QueryFailed: the server refused; nothing was renamed.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    with session(target.maintenance, _DURABLE, "cut-over") as server:
        while True:
            try:
                with server.transaction():
                    _rename(server, plan, wanted, mark)
            except QueryFailed as error:
                # Somebody came in between: RENAME needs both databases empty of sessions.
                if error.sqlstate != _IN_USE or time.monotonic() > deadline:
                    raise
            else:
                return
            for database in (plan.replaced, plan.restored):
                if database:
                    end_sessions(server, database)


def _rename(server: Session, plan: Swap, wanted: DatabaseProperties, mark: str) -> None:
    live, kept = identifier(plan.live), identifier(plan.kept)
    if plan.replaced:
        server.execute(statement("ALTER DATABASE {old} RENAME TO {kept}", old=identifier(plan.replaced), kept=kept))
        server.execute(statement("COMMENT ON DATABASE {kept} IS {mark}", kept=kept, mark=literal(mark)))
    server.execute(
        statement("ALTER DATABASE {restored} RENAME TO {live}", restored=identifier(plan.restored), live=live)
    )
    server.execute(statement("COMMENT ON DATABASE {live} IS NULL", live=live))
    for change in properties.statements(plan.live, wanted):
        server.execute(change)
    server.execute(statement("ALTER DATABASE {live} ALLOW_CONNECTIONS true", live=live))
