# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a person is at the terminal, and how wide it is.

It is asked in a worker of Ansible's, whose own streams may lead nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Set by AWX and ansible-runner's execution environments, whose terminal has no person in front of it.
UNATTENDED = ("AWX_ISOLATED_DATA_DIR", "AWX_JOB_ID", "JOB_ID")

# Of a terminal that does not say.
_USUAL_COLUMNS = 80


def unattended() -> bool:
    return any(os.environ.get(name) for name in UNATTENDED)


def nobody_to_ask() -> str:
    """Why no question would reach a person; empty where one may, or where this cannot be known."""
    if unattended():
        return "This is an unattended job."
    return "" if _in_foreground(os.getppid()) else "There is no terminal to ask on."


def _in_foreground(pid: int) -> bool:
    """Whether the input of a process is a terminal, and its keys go to this process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        # Without /proc, the question itself finds out.
        return True
    group, foreground = fields[2], fields[5]
    return group == foreground and _is_terminal(f"/proc/{pid}/fd/0")


@contextmanager
def opened_input() -> Iterator[int | None]:
    """The terminal from which the main process reads, to read from and to write to; None where it cannot be opened."""
    descriptor = None
    with suppress(OSError):
        # To have it as its controlling terminal would end this process with it.
        descriptor = os.open(f"/proc/{os.getppid()}/fd/0", os.O_RDWR | os.O_NOCTTY)
    try:
        yield descriptor if descriptor is not None and os.isatty(descriptor) else None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_terminal(stream: str) -> bool:
    with suppress(OSError):
        descriptor = os.open(stream, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return os.isatty(descriptor)
        finally:
            os.close(descriptor)
    return False


def width() -> int:
    """Columns of the terminal that the main process writes to; 0 when it writes to none, or to an unattended one."""
    if unattended() or os.environ.get("TERM", "dumb") == "dumb":
        return 0
    return _columns(f"/proc/{os.getppid()}/fd/1") or _columns("/dev/stdout")


def _columns(stream: str) -> int:
    with suppress(OSError):
        # Looking at a terminal must not make it ours, nor wait for anybody where it is a pipe.
        descriptor = os.open(stream, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return os.get_terminal_size(descriptor).columns or _USUAL_COLUMNS
        finally:
            os.close(descriptor)
    return 0
