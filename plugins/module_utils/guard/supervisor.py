# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard of a run: one process from the fence to the end, which outlives the controller.

It waits for orders, and starts a worker for each; between two orders it is the watchdog. Its parent starts another
guard when it is killed, so that no two kills leave a run without a process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from ..errors import PgsafeError
from ..journal.journal import GUARD_LOCK
from ..ports import commands, files, parallel, signals
from . import channel as channels
from . import received
from .channel import State
from .inbox import Inbox
from .order import Order
from .run_session import RunSession
from .supervised_job import SupervisedJob
from .watchdog import Watchdog

_LOOK_SECONDS = 0.1
_LOOKS_A_WATCH = 5
_LEAVING_SECONDS = 5.0

# The number of guards is limited, since what has killed so many would kill the next one too.
_GUARDS = 20
_PAUSE_SECONDS = 1.0


def main(_arguments: Sequence[str]) -> int:
    order = received.order(sys.stdin.buffer.read())
    with signals.passed_over(), _only(order) as only:
        if only:
            _keep_guarded(order)
    return 0


@contextmanager
def _only(order: Order) -> Iterator[bool]:
    """Whether this is the only guard of the run; the lock ends with the last process that has it."""
    deadline = time.monotonic() + _PAUSE_SECONDS
    while True:
        with files.locked(Path(order.run_directory) / GUARD_LOCK) as mine:
            if mine or time.monotonic() > deadline:
                yield mine
                return
        time.sleep(_LOOK_SECONDS)


def _keep_guarded(order: Order) -> None:
    """Start a guard, and another one when it is killed, which does not begin the job again."""
    for _guard in range(1 if order.by_hand else _GUARDS):
        if commands.forked(partial(_guarded, order)):
            return
        order = order.idle
        time.sleep(_PAUSE_SECONDS)


def _guarded(order: Order) -> None:
    _Guard(order).run()


class _Guard:
    """
    :param order: the first one; without a job, to watch the run.
    """

    def __init__(self, order: Order) -> None:
        self._first = order
        self._channel = order.idle.channel
        self._watchdog = Watchdog(order.idle)
        self._session = RunSession(order.journal, order.request.target)
        self._inbox = Inbox(Path(order.run_directory))

    def run(self) -> None:
        """Until the run has ended; a restore by hand is not watched after its end."""
        with parallel.beside(self._session.hold, _LEAVING_SECONDS), closing(self._inbox):
            self._session.await_first_try()
            self._say(channels.RUNNING)
            if self._first.job:
                self._work(self._first)
            while not (self._first.by_hand or self._watchdog.over):
                self._watchdog.look()
                self._await_orders()
        self._say(channels.ENDED)

    def _say(self, state: str) -> None:
        """The state of the guard, not of a job; the controller's lease renewer ends when the guard has ended."""
        with suppress(PgsafeError):
            self._channel.say(State(state))

    def _await_orders(self) -> None:
        for _look in range(_LOOKS_A_WATCH):
            with suppress(PgsafeError):
                for order in self._inbox.orders():
                    self._work(order)
            time.sleep(_LOOK_SECONDS)

    def _work(self, order: Order) -> None:
        """Unless the order is a copy, sent because the first was not acknowledged in time, or was withdrawn."""
        channel = order.channel
        if channel.state() is None and not channel.aborted():
            # By this the controller's lease renewer knows that no task polls the job.
            self._say(channels.TASKS if order.for_tasks else channels.RUNNING)
            SupervisedJob(order, partial(self._watchdog.keep_journal, channel)).run()
            self._say(channels.RUNNING)
