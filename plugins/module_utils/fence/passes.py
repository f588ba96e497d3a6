# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a database and the copy that follows it, so that little is left to be read when writes have stopped.

While clients write, both are read once, block by block, and then what was changed since, by the write-ahead log, until
a pass gains nothing any more. Where the log cannot be read, both are read whole at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..compare import block_sums, blocks, fingerprint
from ..compare.block_passes import Newer, Pass
from ..compare.contents import Contents
from ..compare.reading_modes import Chosen
from ..copies import copy as copies
from ..errors import Interrupted, PgsafeError, Refused
from ..journal.journal import Journal
from ..model import Fingerprint, Identity, Target
from ..ports import files, parallel
from ..ports.database import Session, session
from ..postgres import changed_blocks, cutover, logical, queries
from ..postgres.changed_blocks import Mark
from . import follow, log_evidence

PURPOSE = "prove equal"

# A pass that is shorter is short enough; and no more passes than these.
_SHORT_SECONDS = 1.0
_MOST_PASSES = 12
# A pass with this share of the last one's blocks gains nothing any more.
_NO_GAIN = 0.7
_SETTLING_SECONDS = 10.0
_LOOK_SECONDS = 0.02

# A transaction whose commit is waited for, so that all that was written to the log before is on the disk.
_FLUSH = "SELECT pg_catalog.pg_logical_emit_message(true, 'pgsafe', '')"

Read = Callable[[], Mapping[str, Fingerprint]]


@dataclass
class Side:
    """The database, or its copy.

    :param like: of the backup, which says how closely each table is read where it is read whole; after a pass, its
        fingerprint.
    :param path: of the sums of its blocks.
    """

    target: Target
    oid: int
    generation: str
    like: Fingerprint
    path: Path
    newer: Newer = field(default_factory=Newer)
    blocks: int = 0
    whole: list[str] = field(default_factory=list)


@contextmanager
def prepared(server: Session, sides: list[Side], run_journal: Journal, identity: Identity, jobs: int) -> Iterator[Read]:
    """What reads both sides, by database, as they are when it is called; the log of the run says how.

    :param server: a session with the maintenance database.
    """
    with ExitStack() as stack:
        try:
            lacking = _lacking(server, sides)
            read = None if lacking else stack.enter_context(_passes(server, sides, run_journal, identity, jobs))
        except Interrupted:
            raise
        except PgsafeError as error:
            read, lacking = None, error.what.rstrip(".")
        if read is None:
            run_journal.note(f"Both databases are read whole while writes are stopped: {lacking}.")
        yield read or partial(_whole, sides, jobs)


def _lacking(server: Session, sides: list[Side]) -> str:
    if int(server.value(queries.DATABASE_SIZE, (sides[0].target.dbname,))) < log_evidence.SMALLEST_BYTES:
        return "the database is small"
    return changed_blocks.missing(server)


@contextmanager
def _passes(server: Session, sides: list[Side], run_journal: Journal, identity: Identity, jobs: int) -> Iterator[Read]:
    slot = follow.log_slot_of(run_journal.run_id, identity)
    reader = copies.log_reader(sides[0].target, identity.name, run_journal.run_id)
    with reader as place, session(place, cutover.DURABLE, PURPOSE) as inspector:
        changed_blocks.prepare(inspector)
        logical.drop_slot(server, slot)
        try:
            passes = _Passes(server, inspector, sides, run_journal, jobs)
            passes.record(changed_blocks.keep(server, slot))
            passes.approach()
            yield passes.last
        finally:
            logical.drop_slot(server, slot)
            for side in sides:
                files.remove(side.path)


def _whole(sides: list[Side], jobs: int) -> dict[str, Fingerprint]:
    def read(side: Side) -> Fingerprint:
        return fingerprint.of_database(side.target, jobs, side.generation, like=side.like, purpose=PURPOSE)

    return _both(sides, read)


def _both(sides: list[Side], read: Callable[[Side], Fingerprint]) -> dict[str, Fingerprint]:
    found: dict[str, Fingerprint] = {}

    def one(side: Side, _stop: parallel.Stop) -> None:
        found[side.target.dbname] = read(side)

    parallel.together([partial(one, side) for side in sides])
    return found


class _Passes:
    """
    :param inspector: a session of the database that reads the log.
    """

    def __init__(
        self, server: Session, inspector: Session, sides: list[Side], run_journal: Journal, jobs: int
    ) -> None:
        self._server = server
        self._inspector = inspector
        self._sides = sides
        self._journal = run_journal
        self._jobs = jobs

    def record(self, mark: Mark) -> None:
        """Read both sides in full, block by block."""
        if not self._settles(mark):
            raise Refused("a transaction stays open.")
        self._mark = mark
        self._take(_both(self._sides, self._recorded))

    def approach(self) -> None:
        """Until a pass is short, or gains nothing."""
        last = 0
        for _pass in range(_MOST_PASSES):
            started, upcoming = time.monotonic(), changed_blocks.position(self._server, self._mark.slot)
            settled = self._settles(upcoming)
            self._take(_both(self._sides, self._changed))
            if settled:
                # What a transaction of before it wrote, this pass has seen.
                self._mark = upcoming
            read = sum(side.blocks for side in self._sides)
            if time.monotonic() - started < _SHORT_SECONDS or (last and read > _NO_GAIN * last):
                return
            last = read

    def last(self) -> dict[str, Fingerprint]:
        """Both as they are now."""
        found = _both(self._sides, self._changed)
        whole = sorted({label for side in self._sides for label in side.whole})
        told = f"; read whole: {', '.join(whole)}" if whole else ""
        read = sum(side.blocks for side in self._sides)
        self._journal.note(f"The write-ahead log showed {read:,} blocks left to read while writes were stopped{told}.")
        return found

    def _settles(self, mark: Mark) -> bool:
        deadline = time.monotonic() + _SETTLING_SECONDS
        while not changed_blocks.settled(self._server, mark):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def _take(self, found: Mapping[str, Fingerprint]) -> None:
        for side in self._sides:
            side.like = found[side.target.dbname]

    def _recorded(self, side: Side) -> Fingerprint:
        recorders = []
        with files.atomic(side.path) as sink:

            def contents(holder: Session) -> Contents:
                recorders.append(blocks.BlockRecorder(holder, block_sums.Writer(sink), ""))
                # Whatever the backup has read: of a sample nothing could be told by its blocks.
                return Contents(holder, Chosen(), recorders[0])

            found = fingerprint.by_contents(side.target, self._jobs, side.generation, PURPOSE, contents)
            recorders[0].finish()
        return found

    def _changed(self, side: Side) -> Fingerprint:
        passes: list[Pass] = []
        with block_sums.opened(side.path) as sums:

            def contents(holder: Session) -> Contents:
                passes.append(Pass(holder, side.like, sums, partial(self._changed_blocks, side), side.newer))
                return passes[0]

            found = fingerprint.by_contents(side.target, self._jobs, side.generation, PURPOSE, contents)
        passes[0].keep()
        side.blocks, side.whole = passes[0].blocks, passes[0].whole
        return found

    def _changed_blocks(self, side: Side, filenodes: set[int]) -> blocks.Changed:
        """Of the snapshot of the pass, which was taken before this is called."""
        self._inspector.execute(_FLUSH)
        found = changed_blocks.since(self._inspector, self._mark, side.oid, filenodes)
        if lost := changed_blocks.lost(self._server, self._mark):
            raise Refused(f"{lost}.")
        return found
