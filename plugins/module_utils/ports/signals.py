# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the signals that ask a process to stop do while it works, and while it puts things back."""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import Interrupted

T = TypeVar("T")

_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def raised(work: str = "The migration") -> Iterator[None]:
    """SIGTERM and SIGHUP end the work the way Ctrl+C does: with all that is undone after an error, not in the middle.

    :raises Interrupted: one of them arrived.
    """

    on_its_way: list[weakref.ref[Interrupted]] = []

    def stop(number: int, _frame: object) -> None:
        # Once: a second one would break off what puts things back after the first. But what was raised in a destructor
        # was printed and forgotten.
        if any(error() is not None for error in on_its_way):
            return
        error = Interrupted(f"{work} was interrupted by {signal.Signals(number).name}.")
        on_its_way.append(weakref.ref(error))
        try:
            raise error
        finally:
            # Its traceback has this frame, which would keep it.
            del error

    with _handling((signal.SIGTERM, signal.SIGHUP), stop):
        yield


@contextmanager
def passed_over() -> Iterator[None]:
    """What undoes is not interrupted. No-op handlers, for SIG_IGN would be inherited by psql and pg_restore."""
    with _handling(_ASKING, lambda _number, _frame: None):
        yield


@contextmanager
def heard(hear: Callable[[int], None]) -> Iterator[None]:
    """What asks the process to end is noted, and ends nothing."""
    with _handling(_ASKING, lambda number, _frame: hear(number)):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """What is done at once, and must not be left half done, is not interrupted: a signal comes behind it.

    Such as the taking of a lock that is another module's: who is thrown out of that leaves it locked for ever.
    """
    came: list[int] = []
    # Leave ignored signals alone: children inherit the disposition.
    hearing = tuple(number for number in _ASKING if callable(signal.getsignal(number)))
    try:
        with _handling(hearing, lambda number, _frame: came.append(number)):
            yield
    finally:
        for arrived in dict.fromkeys(came):
            signal.raise_signal(arrived)


@contextmanager
def made(make: Callable[[], T], unmake: Callable[[T], object]) -> Iterator[T]:
    """What ``make`` makes, for the time of the block; no signal comes between its making and the block.

    :param unmake: undoes it in any case; no signal interrupts that.
    """
    there: list[T] = []
    try:
        with deferred():
            there.append(make())
        yield there[0]
    finally:
        with passed_over():
            for it in there:
                unmake(it)


@contextmanager
def _handling(numbers: tuple[signal.Signals, ...], handler: Callable[[int, object], None]) -> Iterator[None]:
    # Signals are the main thread's; another thread is ended by the one that started it.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous: dict[signal.Signals, Any] = {}
    try:
        for number in numbers:
            previous[number] = signal.signal(number, handler)
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
