# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Terminate the sessions of a worker that waits for the server and so does not react to signals."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta

from ..errors import PgsafeError
from ..model import Target
from ..ports.database import Session, session
from ..postgres import queries


class Termination:
    """A request to end that is repeated: only sessions that began before it are terminated.

    What undoes the job connects later, with the same mark.

    :param token: the mark of the worker's sessions.
    """

    def __init__(self, target: Target, token: str) -> None:
        self._target = target
        self._token = token
        self._since = time.monotonic()
        self._moment: datetime | None = None

    def repeat(self, *, spare: bool = False) -> None:
        """Terminate what is still there; a server that does not answer is asked again at the next call.

        :param spare: terminate nothing this time.
        """
        with suppress(PgsafeError), session(self._target.maintenance, purpose="guard") as server:
            self._moment = max(filter(None, (self._moment, self._requested_at(server))))
            if not spare:
                server.execute(queries.TERMINATE_OF_WORKER, (f"% {self._token}", self._moment))

    def _requested_at(self, server: Session) -> datetime:
        """The time of the request by the server's clock, or earlier by what the answer took on its way here."""
        now: datetime = server.value(queries.CLOCK)
        return now - timedelta(seconds=time.monotonic() - self._since)
