# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far something is, how fast it goes and when it will be over: said only where it is known."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from ..module_utils.text import size

# The rate is that of so many seconds, and not told from fewer than those.
_WINDOW_SECONDS = 15.0
_LEAST_SECONDS = 2.0


class Pace:
    """Remembers what was done when, of one step at a time."""

    def __init__(self) -> None:
        self._what = ""
        self._seen: deque[tuple[float, int]] = deque()

    def told(self, now: Mapping[str, Any]) -> str:
        """A step as text: ``full_backup.dump  42 %  1.3G of 3.1G  88M/s  0:21 left``."""
        what = str(now["what"])
        if "done" not in now:
            return what + _aged(now)
        done, total = int(now["done"]), int(now.get("total") or 0)
        rate = self._rate(what, done)
        pace = [f"{size(int(rate))}/s"] if rate > 0 else []
        # What has outgrown its estimate was not estimated well: from there on only what is certain is said.
        if done >= total:
            return "  ".join([what, size(done), *pace])
        left = [f"{_clock((total - done) / rate)} left"] if rate > 0 else []
        return "  ".join([what, f"{100 * done // total} %", f"{size(done)} of {size(total)}", *pace, *left])

    def _rate(self, what: str, done: int) -> float:
        """Bytes a second; 0 while that is not known."""
        moment = time.monotonic()
        if what != self._what or (self._seen and done < self._seen[-1][1]):
            self._what = what
            self._seen.clear()
        self._seen.append((moment, done))
        while moment - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / (moment - since) if moment - since >= _LEAST_SECONDS else 0.0


def _aged(now: Mapping[str, Any]) -> str:
    """The age of a statement, and how far it is, where the server says so."""
    age = f" ({now['seconds']:.0f} s)" if "seconds" in now else ""
    return f"{age} {int(100 * now['share'])} %" if now.get("share") is not None else age


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
