# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A line that a person types at a terminal, without losing a Ctrl+C at any moment.

Ansible's own prompt shows the question, changes the terminal's mode, and drops all keys up to then. A Ctrl+C that comes
before the change is a signal that nothing looks at while the question stands, and one that comes before the dropping is
lost. Here the mode changes first, the keys before it are read and not flushed, and signals are looked at all the time.
"""

from __future__ import annotations

import os
import select
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

INTERRUPTED = "The question was interrupted."

_LOOK_SECONDS = 0.1
_LOCAL_MODES, _CONTROL_KEYS = 3, 6
_ENTER = b"\r\n"


class Unanswered(Exception):
    """The question ended without an answer; the text says why."""


def ask(terminal: int, show: Callable[[], object], interrupted: Callable[[], str], seconds: float) -> bytes:
    """What is typed before Enter; empty when the time is up.

    :param show: shows the question, once its keys are read.
    :param interrupted: why the question should be given up; empty while it stands.
    :raises Unanswered: it was interrupted by a key or a signal, or the terminal is gone.
    """
    keys = _Keys(terminal)
    with keys.read_singly():
        show()
        return keys.line(interrupted, time.monotonic() + seconds)


class _Keys:
    """:param terminal: a descriptor to read from and write to."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._mode = termios.tcgetattr(terminal)
        control: list[bytes] = self._mode[_CONTROL_KEYS]
        self._interrupt = control[termios.VINTR]
        self._erase = {control[termios.VERASE], b"\x08", b"\x7f"}

    @contextmanager
    def read_singly(self) -> Iterator[None]:
        """For the time of the block keys are read one by one, and Ctrl+C is a key; before and after it is a signal.

        In both directions the mode changes first, and then the keys are read that came in the old one.
        """
        with self._mode_of_single_keys():
            self._pending()
            yield
        self._pending()

    @contextmanager
    def _mode_of_single_keys(self) -> Iterator[None]:
        mode = [*self._mode[:_CONTROL_KEYS], [*self._mode[_CONTROL_KEYS]]]
        mode[_LOCAL_MODES] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        mode[_CONTROL_KEYS][termios.VMIN], mode[_CONTROL_KEYS][termios.VTIME] = 1, 0
        termios.tcsetattr(self._terminal, termios.TCSANOW, mode)
        try:
            yield
        finally:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._mode)

    def _pending(self, patience: float = 0) -> bytes:
        """Keys that are there within the time.

        :raises Unanswered: one is Ctrl+C, or the terminal is gone.
        """
        keys = b""
        while select.select([self._terminal], [], [], 0 if keys else patience)[0]:
            chunk = self._read()
            if not chunk or self._interrupt in chunk:
                raise Unanswered(INTERRUPTED)
            keys += chunk
        return keys

    def _read(self) -> bytes:
        """Nothing from a terminal that is gone."""
        with suppress(OSError):
            return os.read(self._terminal, 4096)
        return b""

    def line(self, interrupted: Callable[[], str], deadline: float) -> bytes:
        typed = b""
        while time.monotonic() < deadline:
            if reason := interrupted():
                raise Unanswered(reason)
            for code in self._pending(_LOOK_SECONDS):
                if code in _ENTER:
                    return typed
                typed = self._edited(typed, bytes([code]))
        return b""

    def _edited(self, typed: bytes, key: bytes) -> bytes:
        if key not in self._erase:
            os.write(self._terminal, key if key >= b" " else b"?")
            return typed + key
        os.write(self._terminal, b"\b \b" if typed else b"")
        return typed[:-1]
