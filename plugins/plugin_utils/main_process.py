# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether Ansible's main process is still there, as seen by a worker of its, or by what that has forked."""

from __future__ import annotations

import multiprocessing
import os
import select
from pathlib import Path


class MainProcess:
    """To be made in a worker, which is the main process's child."""

    def __init__(self) -> None:
        parent = multiprocessing.parent_process()
        # Not by asking who the parent is now, where it may have ended since the fork.
        self._pid = parent.pid if parent and parent.pid else os.getppid()
        self._worker = os.getpid()
        self._descriptor = _opened(self._pid)

    @property
    def gone(self) -> bool:
        if os.getpid() == self._worker:
            return os.getppid() != self._pid
        if self._descriptor is None:
            return not _lives(self._pid)
        looking = select.poll()
        looking.register(self._descriptor, select.POLLIN)
        return bool(looking.poll(0))

    @property
    def stopped(self) -> bool:
        """Whether it is suspended; where there is no /proc, that is not known."""
        try:
            said = Path(f"/proc/{self._pid}/stat").read_text()
        except OSError:
            return False
        # The name of a program may have spaces and parentheses.
        return said.rpartition(")")[2].split()[0] == "T"


def _opened(pid: int) -> int | None:
    """What tells the end of this very process, and not of another one with its number; not on every system."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
