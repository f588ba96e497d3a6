# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The session that holds the advisory lock of a run on the server, in a thread of its own.

A server that does not answer blocks that thread alone, and never the guard, which may have to abort a job.
"""

from __future__ import annotations

import platform
import threading
from contextlib import suppress

from ..errors import PgsafeError
from ..fence import follow
from ..fence import run as fence
from ..journal import lock as run_lock
from ..journal.journal import Journal
from ..model import Target
from ..ports.database import Session, connect
from ..postgres import changed_blocks

_LOOK_SECONDS = 0.5

# A server that does not answer must not keep the guard from its first order for longer.
_STARTING_SECONDS = 5.0


class RunSession:
    """Its application name has the run and its phase, from the fence to the end of the run."""

    def __init__(self, run_journal: Journal, target: Target) -> None:
        self._journal = run_journal
        self._target = target
        self._server: Session | None = None
        self._phase = ""
        self._tried = threading.Event()

    def hold(self, over: threading.Event) -> None:
        """Hold the lock until the event is set, and take it again when the server was down."""
        while not over.is_set():
            with suppress(PgsafeError):
                self._look()
            self._tried.set()
            over.wait(_LOOK_SECONDS)
        self._disconnect()

    def await_first_try(self) -> None:
        """Until other hosts can see who is at work, unless the server does not answer."""
        self._tried.wait(_STARTING_SECONDS)

    def _look(self) -> None:
        state = self._journal.state
        if not state.fenced:
            return
        try:
            self._show(str(state.newest))
        except PgsafeError:
            self._disconnect()
            raise

    def _show(self, phase: str) -> None:
        if self._server is None:
            self._server = connect(self._target.maintenance, purpose="run")
            self._phase = ""
        if phase == self._phase:
            self._limit_log(self._server)
        else:
            self._take(self._server, phase)

    def _limit_log(self, server: Session) -> None:
        """What the run's replication slot keeps must not fill the disk; this shows too that the server answers."""
        raised = fence.recorded(self._journal)
        if raised is not None and self._journal.state.published:
            if follow.endangers_disk(server, self._journal, raised.identity):
                self._journal.note("The disk of pg_wal was filling up: the replication slot of the run was dropped.")
        elif raised is None or raised.log is None:
            server.value("SELECT 1")
        elif changed_blocks.drop_if_too_large(server, raised.log.slot):
            self._journal.note("The replication slot kept more of the write-ahead log than max_wal_size: dropped.")

    def _take(self, server: Session, phase: str) -> None:
        raised = fence.recorded(self._journal)
        if self._phase or raised is None or run_lock.take(server, raised.identity.oid):
            server.name(run_lock.purpose(self._journal.run_id, phase, platform.node()))
            self._phase = phase

    def _disconnect(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
