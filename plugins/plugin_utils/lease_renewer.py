# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A controller-side process that renews the lease of a run from the fence to its end.

Between two tasks, and while the user's own tasks run, no worker of Ansible polls the guard. The lease renewer is forked
from the worker of the task that begins, and ends when the guard has ended. It informs the guard when Ansible's main
process ends before that, or a person interrupts the user's tasks.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ..module_utils.guard import channel as channels
from . import shield
from .far_channel import FarChannel
from .main_process import MainProcess
from .trap import Trap, trapped

Guard = Mapping[str, Any]

_LOOK_SECONDS = 0.2

# Several polls may be lost before the lease lapses.
_POLLS_A_LEASE = 5

# Between two polls after an interruption, which the user's tasks may be about to meet.
_INTERRUPTED_SECONDS = 1.0


class LeaseRenewal:
    """
    :param lease: seconds; 0 is no lease.
    :param tasks_only: whether to end with the user's tasks, as in a run without a lease of its own.
    """

    def __init__(self, channel: FarChannel, lease: float, trap: Trap, tasks_only: bool = False) -> None:
        self._channel = channel
        self._interval = lease / _POLLS_A_LEASE
        self._trap = trap
        self._tasks_only = tasks_only

    def run(self) -> None:
        """Until the run has ended, or the controller has."""
        while self._interval and not self._over():
            self._pause()

    def _pause(self) -> None:
        """Until the next poll; an interruption or the end of the controller ends the pause at once."""
        known = bool(self._trap.reason)
        rest = min(self._interval, _INTERRUPTED_SECONDS) if known else self._interval
        until = time.monotonic() + rest
        while time.monotonic() < until and not self._trap.deserted and bool(self._trap.reason) == known:
            time.sleep(_LOOK_SECONDS)

    def _over(self) -> bool:
        # A host that cannot be reached is tried again; on it the lease lapses.
        with suppress(AnsibleConnectionFailure):
            if self._trap.deserted:
                self._channel.tell(self._trap.reason)
                return True
            if not self._trap.suspended:
                return self._polled()
        return self._trap.deserted

    def _polled(self) -> bool:
        """Whether a poll, which renews the lease, has found the end."""
        look = self._channel.poll()
        if look is None:
            return False
        state = look.state.get("state")
        # Otherwise a task's own worker informs the guard, or the next task is refused.
        if state == channels.TASKS and self._trap.reason:
            self._channel.tell(self._trap.reason)
        return state == channels.ENDED or (self._tasks_only and state != channels.TASKS)


@contextmanager
def ready(renew: Callable[[Guard, Trap], None]) -> Iterator[Callable[[Guard], object]]:
    """A lease renewer that waits for its guard, and ends when the block ends without one.

    It is forked before the guard is started, and before the worker has connected to the host: two processes cannot
    share a connection.

    :param renew: runs in the lease renewer; the trap knows of the end of the controller.
    """
    main = MainProcess()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        _renewer(renew, main, reading)
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield lambda guard: stream.write(json.dumps(guard))


def _renewer(renew: Callable[[Guard, Trap], None], main: MainProcess, reading: int) -> None:
    """Never returns: what the worker would do next is not for the lease renewer."""
    try:
        with suppress(Exception):  # no process can report it; the lease lapses
            shield.leave_terminal()
            with trapped(main, read=False) as trap, os.fdopen(reading, encoding="utf-8") as stream:
                said = stream.read()
                if said:
                    renew(json.loads(said), trap)
    finally:
        os._exit(0)
