# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How closely each table is read: in full, by a sample, or by its number of rows alone.

The sample is chosen by content, so that it is the same rows in a restored copy: a row belongs to it when the hash of
its primary key's text ends in six zero bits, which one row in 64 does. A table without a primary key has no such
choice and is read in full.
"""

from __future__ import annotations

import threading
from typing import Protocol

from ..model import COUNTS, FULL, SAMPLED, Fingerprint

# What is too small says more of round trips than of reading.
_MEASURED_BYTES = 1 << 20

# Until something was measured: a little less than the slowest data that were (arrays of floats; docs/fingerprint.md).
ASSUMED_BYTES_PER_SECOND = 50e6


class Modes(Protocol):
    """Decides on a table before the first of its pieces is read, and hears what the reading cost."""

    def of_table(self, label: str, size: int, *, has_key: bool) -> str:
        """
        :param size: in bytes.
        """

    def of_large_objects(self, size: int) -> str:
        """
        :param size: of all of them, in bytes.
        """

    def spent(self, mode: str, size: int, seconds: float) -> None:
        """A piece was read."""


class Chosen(Modes):
    """One mode for all; `full` falls to `sampled` for the tables that the time is too short for.

    :param budget: seconds of reading, those of all sessions added up; 0 sets no limit.
    """

    def __init__(self, mode: str = FULL, budget: float = 0) -> None:
        self._mode = mode
        self._budget = budget
        self._lock = threading.Lock()
        self._promised = 0.0
        self._measured_bytes = 0
        self._measured_seconds = 0.0

    def of_table(self, label: str, size: int, *, has_key: bool) -> str:
        if self._mode == SAMPLED and not has_key:
            return FULL
        return self._of(size) if has_key else self._mode

    def of_large_objects(self, size: int) -> str:
        return self._of(size)

    def spent(self, mode: str, size: int, seconds: float) -> None:
        if mode == FULL and size >= _MEASURED_BYTES:
            with self._lock:
                self._measured_bytes += size
                self._measured_seconds += seconds

    def _of(self, size: int) -> str:
        """In full if it and what was promised to be read in full before fit into the budget together."""
        if self._mode != FULL or not self._budget:
            return self._mode
        with self._lock:
            if (self._promised + size) / self._rate() > self._budget:
                return SAMPLED
            self._promised += size
            return FULL

    def _rate(self) -> float:
        """Bytes that one session reads in a second."""
        if not self._measured_seconds:
            return ASSUMED_BYTES_PER_SECOND
        return self._measured_bytes / self._measured_seconds


class Like(Modes):
    """Each table as another fingerprint has read it; of what that one does not have, the rows are counted."""

    def __init__(self, before: Fingerprint) -> None:
        self._before = before

    def of_table(self, label: str, size: int, *, has_key: bool) -> str:
        state = self._before.tables.get(label)
        mode = state.mode if state else COUNTS
        # A key that has gone is a difference by itself; without it there is no sample.
        return FULL if mode == SAMPLED and not has_key else mode

    def of_large_objects(self, size: int) -> str:
        return self._before.large_objects.mode

    def spent(self, mode: str, size: int, seconds: float) -> None:
        pass
