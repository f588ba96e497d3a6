# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pieces of work side by side; the first failure stops the others and is the one that is raised."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

from ..errors import Interrupted
from . import signals

Piece = Callable[["Stop"], None]


class Stop:
    """Tells every piece of work that it should end."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def check(self) -> None:
        """
        :raises Interrupted: another piece failed, or the caller was interrupted.
        """
        if self._event.is_set():
            raise Interrupted("The work was stopped because another part of it failed.")

    def checked(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """
        :raises Interrupted: as :meth:`check`, before the next chunk.
        """
        for chunk in chunks:
            self.check()
            yield chunk

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call this, once, if the work is stopped inside the block; for a wait that no check can end."""
        with self._lock:
            self._callbacks.append(callback)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def set(self) -> None:
        self._event.set()
        with self._lock:
            for callback in self._callbacks:
                callback()


def together(pieces: Sequence[Piece], stop: Stop | None = None) -> None:
    """Run every piece in a thread of its own, and wait for all of them.

    :param stop: a way for the caller to stop them from elsewhere.
    :raises PgsafeError: the first failure, after all the others have ended.
    """
    stop = stop or Stop()
    ended: SimpleQueue[Future[None]] = SimpleQueue()
    with ThreadPoolExecutor(max_workers=len(pieces)) as pool:
        try:
            with signals.deferred():
                futures = [pool.submit(piece, stop) for piece in pieces]
                for future in futures:
                    future.add_done_callback(ended.put)
            for _piece in futures:
                # A signal may come here, and nowhere where a lock is taken without which a piece cannot end.
                if ended.get().exception():
                    stop.set()
        except BaseException:
            with signals.deferred():
                stop.set()
            raise
    _raise_first(futures)


@contextmanager
def beside(work: Callable[[threading.Event], None], patience: float | None = None) -> Iterator[None]:
    """A thread that works beside the block, until the event is set.

    :param patience: seconds that it is waited for at the end; None for as long as it takes.
    """
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), daemon=True)
    try:
        with signals.deferred():
            thread.start()
        yield
    finally:
        with signals.deferred():
            over.set()
        thread.join(patience)


def _raise_first(futures: Sequence[Future[None]]) -> None:
    errors = [error for error in (future.exception() for future in futures) if error is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, Interrupted)), errors[0])
