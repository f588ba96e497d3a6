# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server's own mark that a copy is in use: an advisory lock on its name, in the maintenance database.

The names of copies are made of the run of their backup, so that a leftover is found again. Two processes that use one
backup would have one name: the second is refused, and drops nothing. The lock goes with its session, so it is never
stale: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import Refused
from ..journal.lock import Holder
from ..model import Target
from ..ports.database import Session, session
from ..postgres import queries

_PAUSE_SECONDS = 0.1

# The server needs a moment to notice that a client was killed.
_PATIENCE_SECONDS = 5.0

# A client whose host is gone is noticed within a minute.
_SETTINGS = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}


@contextmanager
def held(target: Target, name: str, purpose: str) -> Iterator[None]:
    """Hold the name of a copy for the time of the block.

    :param purpose: what the copy is for; the session that holds the lock is called so.
    :raises Refused: another process uses it.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with session(target.maintenance, _SETTINGS, purpose) as server:
        while not take(server, name):
            if time.monotonic() > deadline:
                raise Refused(in_use(name, holder(server, name)), remedy="Wait for it to end.")
            time.sleep(_PAUSE_SECONDS)
        yield


def take(server: Session, name: str) -> bool:
    """Take the lock for the life of the session; False when another one has it."""
    return bool(server.value(queries.TAKE_COPY_LOCK, (_key(name),)))


def holder(server: Session, name: str) -> Holder | None:
    found = server.rows(queries.COPY_LOCK_HOLDER, (_key(name),))
    return Holder(*found[0]) if found else None


def in_use(name: str, who: Holder | None) -> str:
    return f"The database {name} is in use by {who.described if who else 'another session'}."


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
