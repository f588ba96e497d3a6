# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The named pipe in the directory of a run through which its guard gets orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ..journal.journal import GUARD_LOCK
from ..ports import files
from . import received
from .order import ORDERS, Order


class Inbox:
    """The guard's end of the pipe; closed when the guard ends."""

    def __init__(self, run_directory: Path) -> None:
        self._directory = run_directory
        self._open = ExitStack()
        self._pipe: files.Pipe | None = None

    def orders(self) -> Iterator[Order]:
        """The orders received since the last call. Makes a new pipe where the directory was renamed or removed.

        :raises FileFailed: the filesystem refused.
        """
        for line in self._opened().lines():
            order = _read(line)
            if order:
                yield order

    def close(self) -> None:
        """Take no more orders."""
        self._pipe = None
        self._open.close()

    def _opened(self) -> files.Pipe:
        if self._pipe is None or not self._pipe.reachable:
            self.close()
            # The guard's parent holds this lock already, unless the directory was renamed since.
            self._open.enter_context(files.locked(self._directory / GUARD_LOCK))
            self._pipe = self._open.enter_context(files.pipe(self._directory / ORDERS))
        return self._pipe


def _read(line: bytes) -> Order | None:
    """None for what a killed sender has left, and for an order of another version of the collection."""
    try:
        return received.order(line)
    except ValueError:
        return None
