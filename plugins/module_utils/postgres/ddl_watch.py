# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DDL during a backup: whether any ran, and who waits for us because of it.

ACCESS SHARE locks stop whatever would rewrite or drop a table, but neither CREATE nor ALTER of a function or a view,
which pg_dump reads as they are now, not as of the snapshot. https://www.postgresql.org/docs/current/explicit-locking.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from ..errors import PgsafeError, Refused
from ..model import Target
from ..ports import parallel
from ..ports.database import Session, application_name, session
from ..ports.parallel import Stop
from . import queries

PATIENCE_SECONDS = 5
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Mark:
    """What tells the state of the catalogs and of every table's file from a later one.

    :param volatile: the OIDs of relations that may be truncated without another mark; no DDL on them.
    :param xid: of the oldest transaction that was at work: what was changed since has this one's id, or a later one.
    """

    catalogs: str
    files: str
    volatile: tuple[int, ...]
    xid: str = field(compare=False)


class Changed(Refused):
    """DDL ran, or a table was truncated, since a mark was taken."""


def mark(target: Target, volatile: Sequence[int] = ()) -> Mark:
    """Taken by a session of its own: one that holds a snapshot would see the catalogs of that moment for ever."""
    with session(target, purpose="catalogs") as reader:
        xid = str(reader.value(queries.OLDEST_XID))
        catalogs, files = (
            str(reader.value(query, {"volatile": list(volatile)}))
            for query in (queries.CATALOG_MARK, queries.FILENODE_MARK)
        )
        return Mark(catalogs, files, tuple(volatile), xid)


def require_unchanged(target: Target, before: Mark) -> None:
    """
    :raises Changed: DDL ran since the mark was taken; the message names what it changed.
    """
    if mark(target, before.volatile) == before:
        return
    with session(target, purpose="catalogs") as reader:
        changed = [f"{kind} {name}".lstrip() for kind, name in reader.rows(queries.CHANGED_SINCE, (before.xid,))]
    raise Changed(
        f"DDL ran in {target.dbname} while it was being backed up, so the formats may not agree; changed: "
        f"{', '.join(changed) or 'something was dropped'}.",
        remedy="Stop the schema changes and what truncates these tables, or fence the database, then run again.",
    )


@dataclass
class Watched:
    """:param blocked: what to tell about sessions that waited for the backup."""

    blocked: list[str] = field(default_factory=list)


@contextmanager
def watching(target: Target, purpose: str, stop: Stop, abort: bool) -> Iterator[Watched]:
    """Look every second, while the block runs, for sessions that queue behind DDL that waits for our locks.

    :param abort: stop the backup as soon as one has waited for 5 s; else tell about it afterwards.
    """
    watched = Watched()
    with parallel.beside(partial(_watch, target, purpose, stop if abort else None, watched)):
        yield watched


def _watch(target: Target, purpose: str, stop: Stop | None, watched: Watched, over: threading.Event) -> None:
    try:
        with session(target, purpose="watch") as reader:
            while not over.wait(_LOOK_SECONDS):
                _look(reader, purpose, stop, watched)
    except PgsafeError as error:
        # The watch is there to tell; the backup itself finds out by its own sessions when the server is gone.
        watched.blocked.append(f"Sessions that wait for the backup could not be watched: {error.what}")


def _look(reader: Session, purpose: str, stop: Stop | None, watched: Watched) -> None:
    waiting = reader.rows(queries.WAITING_FOR, (PATIENCE_SECONDS, application_name(purpose)))
    for pid, user, application, statement in waiting:
        name = application or "no application name"
        who = f"pid {pid} ({user}, {name}) waited for the backup's locks with: {statement}"
        if who not in watched.blocked:
            watched.blocked.append(who)
    if waiting and stop is not None:
        stop.set()
