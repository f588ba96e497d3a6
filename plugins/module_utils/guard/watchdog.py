# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard of a run while no job runs: the watchdog, so that no database stays fenced without a controller.

It finishes or undoes the run when its controller is gone, when it has rested for too long, or when a guard and its
worker were killed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..errors import PgsafeError
from ..jobs import recover, registry
from ..journal.events import Event
from ..restore.request import RecoverRequest, request_of
from .channel import Channel, Lease
from .kept_journal import KeptJournal
from .order import Order

# How long a run that has begun to migrate may be without a process: a guard starts another worker at once.
_ORPHANED_SECONDS = 15.0

# A task that works on the run without the guard may not have taken the lock of the run yet.
_BETWEEN_TASKS_SECONDS = 2.0


class Watchdog:
    """
    :param order: to watch the run, with the lease of the run, 0 for none.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._journal = order.journal
        self._known = 0
        self._since = time.monotonic()
        self._lease = Lease(order.channel, order.lease) if order.lease else None
        self._kept = KeptJournal(self._journal)
        self._lost_since = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the run has ended, or cannot be watched any more."""
        return self._ended() or self._given_up()

    def look(self) -> None:
        """Keep the journal, and finish or undo the run if it was abandoned."""
        self.keep_journal()
        # The server or the filesystem may be back at the next look.
        with suppress(PgsafeError):
            self._finish_abandoned()

    def _ended(self) -> bool:
        """Whether the run has ended; after a failed rollback the database is open, and a person decides."""
        with suppress(PgsafeError):
            state = self._journal.state
            return state.newest is not None and not state.fenced
        return False

    def keep_journal(self, *channels: Channel) -> None:
        """Put the journal back where its directory was renamed or removed: without it nothing could lift the fence.

        :param channels: of the job that runs.
        """
        with suppress(PgsafeError):
            if self._kept.keep():
                for channel in (self._order.channel, *channels):
                    channel.open()

    def _given_up(self) -> bool:
        """Whether the backup root is gone for longer than the lease, and the fence was lifted."""
        if not self._kept.lost:
            self._lost_since = time.monotonic()
            return False
        gone, patience = time.monotonic() - self._lost_since, self._order.lease or self._order.idle_timeout
        if gone < patience:
            return False
        # The server may be back later.
        return not self._lifted_without_root().get("worth_repeating") or gone > patience + self._order.idle_timeout

    def _lifted_without_root(self) -> Mapping[str, Any]:
        """Finish the run by its journal as it was last read; a run that needs its backup stays as it is."""
        try:
            with self._kept.elsewhere() as root:
                return registry.run(recover, replace(self._request(), backup_root=root), str)
        except PgsafeError as error:
            return {"failed": True, "msg": str(error), "worth_repeating": True}

    def _finish_abandoned(self) -> None:
        reason = self._abandoned()
        if reason:
            self._recover(reason)

    def _abandoned(self) -> str:
        """Why the run is abandoned; empty while it is not. A person decides about a held run."""
        state, alive = self._journal.state, self._journal.alive
        if state.on_hold:
            return ""
        entries = len(self._journal.entries())
        if entries != self._known or alive:
            self._known, self._since = entries, time.monotonic()
        rested = time.monotonic() - self._since
        if alive:
            return ""
        if state.unfinished:
            return "Guard and worker are gone." if rested > _ORPHANED_SECONDS else ""
        if rested > self._order.idle_timeout:
            return f"The run has rested for {self._order.idle_timeout:g} s."
        return self._left_alone() if rested > _BETWEEN_TASKS_SECONDS else ""

    def _left_alone(self) -> str:
        """Why the play will run no further task."""
        if self._lease and self._lease.lapsed():
            return f"No controller has renewed the lease for {self._order.lease:g} s."
        return self._order.channel.aborted()

    def _recover(self, reason: str) -> None:
        self._journal.append(Event.ABANDONED, reason=reason)
        result = registry.run(recover, self._request(), str)
        self._order.channel.finish(result)
        self._since = time.monotonic()

    def _request(self) -> RecoverRequest:
        return request_of(self._journal, self._order.request.target, self._order.request.jobs)
