# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a job gets on, for people: what its journal says, and what the server says of its sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments, queries
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session, connect
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import Order

_STATEMENT_LENGTH = 60


class Progress:
    """Looks at one job from time to time, by a session of its own."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._server: Session | None = None
        self._looks = 0

    def look(self) -> dict[str, Any]:
        """What it is doing now.

        :raises PgsafeError: it cannot be seen just now.
        """
        self._looks += 1
        newest = self._order.journal.entries()[-1]
        text = said_of(newest.event, newest.facts, self._order.params.get("files") or [])
        return {"looks": self._looks, "event": newest.event, "text": text, **self._of_server()}

    def close(self) -> None:
        if self._server:
            self._server.close()

    def _of_server(self) -> dict[str, Any]:
        try:
            server = self._connected()
            found = server.rows(queries.RUNNING_OF_RUN, (f"pgsafe migration % {self._order.token}",))
        except PgsafeError:
            self.close()
            self._server = None
            raise
        if not found:
            return {}
        statement, seconds, done, total = found[0]
        return {"statement": _shortened(statement), "seconds": float(seconds), **_fraction(done, total)}

    def _connected(self) -> Session:
        if self._server is None:
            self._server = connect(arguments.target(self._order.params, required=False).maintenance, purpose="progress")
        return self._server


def _fraction(done: int | None, total: int | None) -> dict[str, Any]:
    return {"done": int(done), "total": int(total)} if done is not None and total else {}


def _shortened(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= _STATEMENT_LENGTH else f"{line[: _STATEMENT_LENGTH - 1]}…"


def said_of(event: str, facts: Mapping[str, Any], files: list[str]) -> str:
    """What a journal's newest event means for somebody who waits."""
    if event in ("applying", "applied"):
        name = str(facts["file"])
        place = f"file {files.index(name) + 1} of {len(files)}" if name in files else "step"
        return f"Applying {place}: {name}"
    return _WORDS.get(event, "")


_WORDS = {
    "closing": "Closing the database",
    "armed": "Applying the migration",
    "failed": "Looking at what the failed migration has left",
    "aborting": "Ending the migration",
    "rolling_back": "Rolling back",
    "accepted": "Opening the database",
}
