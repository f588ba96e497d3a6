# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One job of a run's guard: it runs in a worker, and is finished or undone when its controller is gone.

The guard aborts the job on request, or when the controller has not renewed the lease. When the worker dies, another one
finishes or undoes the run. When the guard dies, the worker notices it and aborts the job.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import PgsafeError
from ..fence import standing
from ..jobs import registry
from ..journal.events import Event
from ..journal.state import Stage
from ..journal.verdicts import ENDS
from ..ports import commands, files, signals
from ..ports.database import WORKER_VARIABLE
from . import channel as channels
from .channel import Lease, State
from .order import Order
from .termination import Termination

_LOOK_SECONDS = 0.1
_BEAT_SECONDS = 1.0
_RETRY_SECONDS = 2.0

_GONE = "the controller or the network is gone"

_NOUNS = {"backup": "backup", "verify": "verification", "migrate": "migration", "restore": "restore"}


class SupervisedJob:
    """
    :param look: called repeatedly while the job runs.
    """

    def __init__(self, order: Order, look: Callable[[], None]) -> None:
        self._order = order
        self._look = look
        self._channel = order.channel
        self._lease = Lease(order.lease_channel, order.lease)
        self._state = State(channels.STARTING, pid=os.getpid())
        self._said = 0.0
        self._signals: list[str] = []

    def run(self) -> None:
        """Run the job to its end, including a recovery where one is needed."""
        with signals.heard(self._take_signal):
            self._run()

    def _run(self) -> None:
        self._say(channels.RUNNING)
        how = self._work()
        if self._repeats():
            how = self._work()
        result = self._channel.result()
        if self._left(result is None):
            result = self._recovered(result, how)
            self._channel.finish(result)
        elif result is None:
            self._channel.finish(self._died(how))
        self._say(channels.ENDED)

    def _take_signal(self, number: int) -> None:
        """A shutdown of the host, or a person, has asked the guard to end: abort the job in good order."""
        self._signals.append(f"The guard was asked to end by {signal.Signals(number).name}.")

    def _work(self) -> str:
        """Run the job to its end, or abort it. Returns how its worker ended."""
        with _worker(self._order) as worker:
            while worker.running:
                reason = self._reason()
                if reason:
                    self._abort(worker, reason)
                self._pause()
            return worker.ended

    def _reason(self) -> str:
        if self._signals:
            return self._signals[0]
        lapsed = self._order.job not in registry.GOING_ON and self._lease.lapsed()
        silent = f"No controller renewed the lease for {self._order.lease:g} s: {_GONE}."
        return self._channel.aborted() or self._order.lease_channel.aborted() or (silent if lapsed else "")

    def _abort(self, worker: commands.Background, reason: str) -> None:
        """Ask the worker to end until it has, and terminate the sessions that it may be waiting for."""
        self._say(channels.ABORTING, reason)
        with suppress(PgsafeError):
            self._channel.abort(reason)
            self._order.journal.append(Event.ABORTING, reason=reason)
        termination, since = Termination(self._order.request.target, self._order.token), time.monotonic()
        while worker.running:
            worker.ask_to_end()
            if time.monotonic() - since > self._order.grace and not self._has_no_limit():
                worker.kill()
            termination.repeat(spare=_puts_back(self._order))
            self._pause()

    def _has_no_limit(self) -> bool:
        """Whether the worker undoes something, which has no time limit; neither has a restore that was asked for."""
        return self._order.job in registry.GOING_ON or _puts_back(self._order)

    def _repeats(self) -> bool:
        """Whether to run a restore again, once: it was asked for, has closed the live database, and its worker died."""
        broken_off = self._state.state == channels.ABORTING
        return self._order.job in registry.GOING_ON and not broken_off and self._channel.result() is None

    def _left(self, died: bool) -> bool:
        """Whether the run needs to be finished or undone; after a restore by hand a person decides that."""
        state = self._order.journal.state
        if state.on_hold or state.given_up or self._order.by_hand:
            return False
        broken_off = died or self._state.state == channels.ABORTING
        if self._order.job == "migrate":
            # A migration that gave up before it began has opened the database, unless the server was down.
            stuck = state.fenced and state.stage is Stage.GIVING_UP
            # Otherwise the verified copy may be left.
            return state.unfinished or stuck or (broken_off and (state.fenced or state.left_copy))
        return broken_off and state.fenced and not state.unfinished

    def _recovered(self, result: Mapping[str, Any] | None, how: str) -> dict[str, object]:
        """Finish or undo the run by another worker, and wait for a server that is down."""
        first = result or self._died(how)
        deadline = time.monotonic() + self._order.server_patience
        while True:
            self._say(channels.RECOVERING, self._state.reason or str(first["msg"]))
            found = self._recover_once()
            if not found.get("worth_repeating") or time.monotonic() > deadline:
                return _joined(first, found)
            self._say(channels.WAITING, self._state.reason)
            time.sleep(_RETRY_SECONDS)

    def _died(self, how: str) -> dict[str, object]:
        """The result for a worker that left none; with the verdict, where the run had ended by its journal."""
        noun, reason = _NOUNS[self._order.job], self._state.reason
        # Before a worker handles signals, the request to end it terminates it.
        what = f"The {noun} was interrupted. {reason}" if reason else f"The process of the {noun} {how}."
        found = {"failed": True, "msg": what, "what_failed": what}
        if self._order.job != "migrate":
            return found
        stands = standing.facts(self._order.journal)
        if stands["verdict"] not in ENDS:
            return {**found, **stands}
        state = f"The run had come to its end: {stands['verdict'].replace('_', ' ')}."
        return {**found, **stands, "msg": f"{what} {state}", "state_left": state}

    def _recover_once(self) -> Mapping[str, Any]:
        self._channel.forget()
        with _worker(self._order.recovering()) as worker:
            while worker.running:
                self._pause()
            how = worker.ended
        found = self._channel.result()
        return found or {"failed": True, "msg": f"The recovery {how}.", "worth_repeating": True}

    def _say(self, state: str, reason: str = "") -> None:
        self._state = State(state, reason or self._state.reason, self._state.beat + 1, self._state.pid)
        self._said = time.monotonic()
        # A full disk prevents the report, and not the work.
        with suppress(PgsafeError):
            self._channel.say(self._state)

    def _pause(self) -> None:
        self._look()
        if time.monotonic() - self._said > _BEAT_SECONDS:
            self._say(self._state.state)
        time.sleep(_LOOK_SECONDS)


def _puts_back(order: Order) -> bool:
    return order.journal.state.puts_back


@contextmanager
def _worker(order: Order) -> Iterator[commands.Background]:
    argv = [sys.executable, order.script, "work"]
    env = {**order.environment, WORKER_VARIABLE: order.token}
    with (
        files.extended(order.channel.directory / channels.LOG) as log,
        commands.background(argv, order.packed(), log, env) as worker,
    ):
        yield worker


def _joined(first: Mapping[str, Any], recovered: Mapping[str, Any]) -> dict[str, object]:
    """The result of the job, with what became of the run."""
    console = [*first.get("console", []), *recovered.get("console", [])]
    # When the run has ended after all, the state that the job has reported is outdated.
    ended = recovered.get("verdict") in ENDS
    over = {"state_left": recovered["msg"], "remedy": "", "undo_problems": []} if ended else {}
    what = first.get("what_failed", "") if over else first.get("msg", "")
    msg = " ".join(str(part).strip() for part in (what, recovered.get("msg", "")) if part)
    kept = {name: value for name, value in recovered.items() if name not in ("console", "msg", "failed")}
    return {**first, **kept, **over, "failed": True, "msg": msg, "console": console}
