# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the signals that ask a process to stop do while it works, and while it puts things back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Interrupted


@contextmanager
def raised(work: str = "The migration") -> Iterator[None]:
    """SIGTERM and SIGHUP end the work the way Ctrl+C does: with all that is undone after an error, not in the middle.

    :raises Interrupted: one of them arrived.
    """

    def stop(number: int, _frame: object) -> None:
        # Once: a second one would break off what puts things back after the first.
        for other in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, lambda _number, _frame: None)
        raise Interrupted(f"{work} was interrupted by {signal.Signals(number).name}.")

    with _handling((signal.SIGTERM, signal.SIGHUP), stop):
        yield


@contextmanager
def passed_over() -> Iterator[None]:
    """What undoes is not interrupted. No-op handlers, for SIG_IGN would be inherited by psql and pg_restore."""
    with _handling((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), lambda _number, _frame: None):
        yield


@contextmanager
def _handling(numbers: tuple[signal.Signals, ...], handler: Callable[[int, object], None]) -> Iterator[None]:
    # Signals are the main thread's; another one is ended by whoever started it.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
