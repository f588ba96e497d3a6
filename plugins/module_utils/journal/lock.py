# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server's own mark of a run: an advisory lock on the database's OID, so that a run from another host sees it.

It is taken in the maintenance database, which all runs of a server have to share, and goes with its session, so that it
is never stale: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import Refused
from ..model import Target
from ..ports.database import Session, session
from ..postgres import queries

# What a run calls its session: the run, the phase, the host.
_PURPOSE = "run"
_PAUSE_SECONDS = 0.1

# A watchdog that is on its way out needs a moment.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Holder:
    """Who is at work on a database.

    :param application: ``pgsafe run 20261116_143022 verified db1``.
    """

    application: str
    user: str
    address: str
    since: str

    @property
    def run_id(self) -> str:
        words = self.application.split()
        return words[2] if words[:2] == ["pgsafe", _PURPOSE] and len(words) > 2 else ""

    @property
    def described(self) -> str:
        return f"{self.application} as {self.user} from {self.address}, since {self.since}"


def purpose(run_id: str, phase: str, host: str) -> str:
    """What the session that holds the lock is called in pg_stat_activity."""
    return f"{_PURPOSE} {run_id} {phase} {host}"


def take(server: Session, oid: int) -> bool:
    """Take the lock for the life of the session; False when another one has it."""
    return bool(server.value(queries.TAKE_RUN_LOCK, (oid,)))


def holder(server: Session, oid: int) -> Holder | None:
    found = server.rows(queries.RUN_LOCK_HOLDER, (oid,))
    return Holder(*found[0]) if found else None


@contextmanager
def held(target: Target, database: str, oid: int) -> Iterator[None]:
    """Hold the lock of a database for the time of the block.

    :raises Refused: another run is at work on it.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with session(target.maintenance, purpose="run") as server:
        while not take(server, oid):
            if time.monotonic() > deadline:
                raise refused(database, holder(server, oid))
            time.sleep(_PAUSE_SECONDS)
        yield


def refused(database: str, who: Holder | None) -> Refused:
    known = who.described if who else "another session"
    return Refused(
        f"Another run is at work on {database}: {known}.",
        remedy="Wait for it to end; where it was begun, the playbook pgsafe.migration.status shows it.",
    )
