# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The worker of a guard: runs one job, reports its progress, and aborts the job when the guard dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from ..errors import PgsafeError
from ..fence import standing
from ..jobs import registry
from ..ports import parallel, signals
from . import received
from .order import Order
from .progress import Progress

_LOOK_SECONDS = 0.5
_LEAVING_SECONDS = 5.0


def main(_arguments: Sequence[str]) -> int:
    guard = os.getppid()
    order = received.order(sys.stdin.buffer.read())
    # A signal between two parts of the work is ignored, and sent again by the guard; so is one after the last part,
    # until the result is written.
    with signals.passed_over():
        with _beside(order, guard):
            result = registry.run(registry.named(order.job), order.request, order.channel.aborted)
        # The end of a run is what its journal says, not how the job has ended.
        if order.job in registry.ENDING:
            result = {**result, **standing.facts(order.journal)}
        order.channel.finish({**result, "run_logs": [order.journal.logged()]})
    return 0


@contextmanager
def _beside(order: Order, guard: int) -> Iterator[None]:
    """Two threads, for the time of the block: one watches the guard, one reports the progress."""
    # The worker does not wait for a thread that waits for a server.
    with (
        parallel.beside(partial(_watch_guard, order, guard), _LEAVING_SECONDS),
        parallel.beside(partial(_report_progress, order), _LEAVING_SECONDS),
    ):
        yield


def _watch_guard(order: Order, guard: int, over: threading.Event) -> None:
    while not over.wait(_LOOK_SECONDS):
        if os.getppid() != guard:
            with suppress(PgsafeError):
                order.channel.abort("The guard was killed.")
            os.kill(os.getpid(), signal.SIGTERM)


def _report_progress(order: Order, over: threading.Event) -> None:
    progress = Progress(order)
    while not over.wait(_LOOK_SECONDS):
        # Progress is for people; the job does not fail without it.
        with suppress(PgsafeError):
            order.channel.progress(progress.look())
    progress.close()
