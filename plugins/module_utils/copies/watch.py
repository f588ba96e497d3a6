# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""While a copy is restored: whether it gets on, and what its write-ahead log does to the server.

The log of a restore goes through every slot, standby and archiver of the server. A full pg_wal stops the server, and
a slot that falls too far behind is lost, so the restore gives way before either, and before it fills its own disk.
https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from ..errors import PgsafeError, Refused
from ..model import Filesystem, Target
from ..ports import parallel
from ..ports.database import Session, session
from ..postgres import filesystems, wal
from ..postgres.wal import Wal
from ..text import size

DANGERS = ("disk", "slot", "standby", "archiver")

_LOOK_SECONDS = 1.0
_ENDANGERED = frozenset({"unreserved", "lost"})

# pg_restore says nothing while it works, and a foreign key that is checked moves no counter: a session of the copy
# that is neither idle nor waits for a lock or for its client is at work. So is one of which this role sees no more.
_AT_WORK = """
SELECT (SELECT count(*) FROM pg_stat_activity
         WHERE datname = %(copy)s AND COALESCE(state, 'active') = 'active'
           AND COALESCE(wait_event_type, '') NOT IN ('Lock', 'Client')
           AND backend_type IS DISTINCT FROM 'autovacuum worker'),
       (SELECT COALESCE(sum(bytes_processed), 0)::bigint FROM pg_stat_progress_copy WHERE datname = %(copy)s)
"""


@dataclass(frozen=True)
class Breach:
    """:param danger: one of :data:`DANGERS`."""

    danger: str
    what: str


@dataclass(frozen=True)
class Limits:
    """From when on a restore harms its server.

    :param free_bytes: fewer on the filesystem of pg_wal, or of the copy, are too few, unless there were hardly more at
        first; it is seen only where the server is this host.
    :param lag_bytes: that a standby may have still to replay; None for as much as it likes.
    :param give_up_on: of which :data:`DANGERS` the restore is given up; the others are reported afterwards. A full disk
        stops the server for everybody.
    """

    free_bytes: int = 1 << 30
    lag_bytes: int | None = None
    give_up_on: frozenset[str] = frozenset({"disk"})


class RestoreWatch:
    """What the watch has seen so far; filled by its thread, read by the restore.

    :ivar breaches: limits that were passed.
    :ivar lost: why the server cannot be watched any more; empty as long as it can.
    """

    def __init__(self, limits: Limits, before: Wal, disk_before: Filesystem | None = None) -> None:
        self._limits = limits
        self._before = before
        self._disk_before = disk_before
        self._moved = 0
        self._copied = 0
        self.breaches: list[Breach] = []
        self.lost = ""

    @property
    def told(self) -> tuple[str, ...]:
        """Everything to report when the restore is done."""
        return (*(breach.what for breach in self.breaches), *filter(None, [self.lost]))

    def progress(self) -> int:
        """A number that changes while the copy gets on, for :func:`commands.run`.

        :raises Refused: a limit was passed, and the restore is to be given up.
        """
        grave = [breach.what for breach in self.breaches if breach.danger in self._limits.give_up_on]
        if grave:
            raise Refused(
                f"The restore was cancelled: {'; '.join(grave)}.",
                remedy="Fix that (space on that filesystem, the consumers of slots, the archiver), then run again.",
            )
        # Without a view of the work it must not be called a standstill.
        self._moved += 1 if self.lost else 0
        return self._moved

    def note_work(self, at_work: int, copied: int) -> None:
        """
        :param at_work: sessions of the copy that do something.
        :param copied: bytes that COPY has read in the tables at hand.
        """
        if at_work or copied != self._copied:
            self._moved += 1
        self._copied = copied

    def note_log(self, now: Wal) -> None:
        self._note(breaches(self._limits, self._before, now))

    def note_disk(self, now: Filesystem) -> None:
        """The filesystem of the copy, which fills it as it should: a tenth of what was free at first is left alone."""
        if self._disk_before is not None:
            self._note(_short_of_room(self._limits, self._disk_before, now, 10))

    def _note(self, found: Iterator[Breach]) -> None:
        self.breaches += [breach for breach in found if breach not in self.breaches]


def breaches(limits: Limits, before: Wal, now: Wal) -> Iterator[Breach]:
    """What is in danger now and was not before the restore."""
    yield from _short_of_room(limits, before.filesystem, now.filesystem, 2)
    in_danger = {slot.name for slot in before.slots if slot.status in _ENDANGERED}
    for slot in now.slots:
        if slot.status in _ENDANGERED and slot.name not in in_danger:
            yield Breach("slot", f"the slot {slot.name} has fallen behind max_slot_wal_keep_size")
    for standby in now.standbys:
        if limits.lag_bytes is not None and (standby.behind_bytes or 0) > limits.lag_bytes:
            yield Breach("standby", f"the standby {standby.name} is more than {size(limits.lag_bytes)} behind")
    if now.archiver and now.archiver.failing and not (before.archiver and before.archiver.failing):
        yield Breach("archiver", f"the archiver fails with {now.archiver.last_failed}")


def _short_of_room(limits: Limits, before: Filesystem, now: Filesystem, part: int) -> Iterator[Breach]:
    """
    :param part: of what was free at first, its so-manieth is the floor where that is less than the limit.
    """
    if now.free_bytes is None or before.free_bytes is None:
        return
    # A disk that was nearly full when it began does not forbid the restore of what is small.
    floor = min(limits.free_bytes, before.free_bytes // part)
    if now.free_bytes < floor:
        yield Breach("disk", f"the filesystem of {now.path} has less than {size(floor)} free")


@contextmanager
def watching(target: Target, copy: str, limits: Limits) -> Iterator[RestoreWatch]:
    """Look every second, while the block runs, from a session of its own in the maintenance database.

    :param copy: the database that is being restored.
    :raises ConnectionFailed: the watch could not be begun.
    """
    with session(target.maintenance, purpose="watch") as reader:
        watch = RestoreWatch(limits, wal.read(reader), filesystems.of_database(reader, copy))
        with parallel.beside(partial(_watch, reader, copy, watch)):
            yield watch


def _watch(reader: Session, copy: str, watch: RestoreWatch, over: threading.Event) -> None:
    try:
        while not over.wait(_LOOK_SECONDS):
            watch.note_work(*reader.row(_AT_WORK, {"copy": copy}))
            watch.note_log(wal.read(reader))
            watch.note_disk(filesystems.of_database(reader, copy))
    except PgsafeError as error:
        watch.lost = f"the server could not be watched to the end: {error.what}"
