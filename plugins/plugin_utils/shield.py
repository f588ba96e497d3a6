# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first Ctrl+C while a host is guarded breaks its job off and not the controller, so that a person sees the rest.

A page of memory is shared by Ansible's main process, in which the callback takes the signals, and by its workers, which
are forked from it and look at it between two polls.
"""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEAVING = 3

# Where a person is asked, Ctrl+C is a key and its signal a late one, but nothing else is looked at while he thinks.
CLOSED, KEYS, OPEN = 0, 1, 2

_BYTES = 16384
_COUNT, _NUMBER, _WINDOW, _SLOTS = 0, 1, 2, 3

# Made when this file is first imported: by the callback, in the main process, before any worker is forked.
PAGE = mmap.mmap(-1, _BYTES)
MAIN_PID = os.getpid()


def asked() -> str:
    """The signal by which a person has asked for an end; empty without one."""
    return signal.Signals(PAGE[_NUMBER]).name if PAGE[_COUNT] else ""


@contextmanager
def guarded() -> Iterator[None]:
    """Say, for the time of the block, that a signal is to be taken and not to end the controller."""
    slot = _SLOTS + os.getpid() % (_BYTES - _SLOTS)
    PAGE[slot] = 1
    try:
        yield
    finally:
        PAGE[slot] = 0


def window(how: int) -> None:
    """Say, in the main process, what is taken between two guarded jobs, where an end would leave a host fenced.

    :param how: :data:`CLOSED`, :data:`KEYS` or :data:`OPEN`.
    """
    PAGE[_WINDOW] = how


def install() -> None:
    """Take the signals in the main process; to be called there, once."""
    with suppress(ValueError):  # not the main thread: then the workers' own traps serve
        for number in SIGNALS:
            signal.signal(number, _handler(number, signal.getsignal(number)))


def _handler(number: int, before: Any) -> Any:
    def take(_number: int, frame: FrameType | None) -> None:
        # ansible-core 2.16 has its workers inherit this.
        if os.getpid() != MAIN_PID:
            return
        if number == signal.SIGHUP:
            leave_terminal()
        PAGE[_NUMBER] = number
        PAGE[_COUNT] = min(PAGE[_COUNT] + 1, LEAVING)
        if PAGE[_COUNT] >= LEAVING or not _is_taken(number):
            _pass_on(number, before, frame)

    return take


def _is_taken(number: int) -> bool:
    wide = PAGE[_WINDOW]
    return any(PAGE[_SLOTS:]) or wide == OPEN or (wide == KEYS and number == signal.SIGINT)


def _pass_on(number: int, before: Any, frame: FrameType | None) -> None:
    """As if it had not been taken."""
    if callable(before):
        before(number, frame)
        return
    signal.signal(number, before)
    os.kill(os.getpid(), number)


def leave_terminal() -> None:
    """Writing to a terminal that is gone is an error, and would end what is to go on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
