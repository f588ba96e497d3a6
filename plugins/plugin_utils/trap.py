# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an action plugin notices of the end of its controller, while it waits for a guard."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from . import shield
from .main_process import MainProcess


class Trap:
    """Signals of this process's own, those that the main process took, and a main process that is gone.

    :param read: whether what this process returns and shows is read.
    """

    def __init__(self, main: MainProcess, read: bool) -> None:
        self._main = main
        self._read = read
        self._number = 0

    @property
    def orphaned(self) -> bool:
        """What this process returns or shows is not read any more."""
        return not self._read or self._main.gone or bool(self._number)

    @property
    def deserted(self) -> bool:
        """The main process is gone."""
        return self._main.gone

    @property
    def suspended(self) -> bool:
        """The controller is suspended, and this process does not do the work."""
        return not self._read and self._main.stopped

    @property
    def reason(self) -> str:
        """Why the job is to be broken off; empty while it is not."""
        if self._main.gone:
            return "The controller is gone."
        name = signal.Signals(self._number).name if self._number else shield.asked()
        return f"{_WORDS.get(name, name)} at the controller." if name else ""

    def take(self, number: int, _frame: object) -> None:
        self._number = number


_WORDS = {"SIGINT": "Ctrl+C", "SIGHUP": "The terminal was closed"}


@contextmanager
def trapped(main: MainProcess | None = None, read: bool = True) -> Iterator[Trap]:
    """Outlive the controller for a moment, and know that it has ended.

    Ctrl+C stays a note until the process ends. A worker that it ends while the result is handed over leaves the lock of
    the queue closed: ansible-core 2.19 and 2.21 then wait for the lock for ever, and the lease is renewed meanwhile.

    :param main: its main process, where this one is not a child of it.
    """
    trap = Trap(main or MainProcess(), read)
    # On ansible-core 2.16 a worker shares the group of the main process, and so does whatever it starts.
    with suppress(OSError):
        os.setsid()
    before = {}
    with suppress(ValueError):  # not the main thread
        before = {number: signal.signal(number, trap.take) for number in shield.SIGNALS}
    try:
        yield trap
    finally:
        for number, handler in before.items():
            if number != signal.SIGINT:
                signal.signal(number, handler)
