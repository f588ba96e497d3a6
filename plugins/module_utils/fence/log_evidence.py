# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was written behind a fence, by the write-ahead log: exact, and after a crash too, when the counters are lost.

From the fence on a replication slot keeps the log, and the backup writes down the sums of every block. Later the blocks
that were changed are read again, and no others. Where that cannot be had, the whole database is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import names
from ..backup_set.manifest import Manifest
from ..compare import block_sums, blocks, fingerprint
from ..compare.reading_modes import ASSUMED_BYTES_PER_SECOND
from ..copies import copy as copies
from ..errors import Interrupted, PgsafeError, Refused
from ..journal.journal import Journal
from ..model import SOURCE, Fingerprint, Identity, Target
from ..ports import files
from ..ports.database import WRITING, Session, session
from ..postgres import changed_blocks, cutover, queries
from ..postgres.changed_blocks import Mark

_SUMS = "blocks"

# A smaller database is read in less time than the extension takes to be created.
SMALLEST_BYTES = 16 << 20

_LEAST_PATIENCE_SECONDS = 5.0


def slot_of(run_id: str, identity: Identity) -> str:
    return names.replication_of_run(run_id, identity.oid)


def begin(target: Target, run_id: str, identity: Identity) -> tuple[Mark | None, str]:
    """Keep the log from now on; None, and why, where it cannot be kept."""
    try:
        with session(target.maintenance, cutover.DURABLE, "fence") as server:
            if int(server.value(queries.DATABASE_SIZE, (identity.name,))) < SMALLEST_BYTES:
                return None, "the database is small"
            lacking = changed_blocks.missing(server)
            if lacking:
                return None, lacking
            return changed_blocks.keep(server, slot_of(run_id, identity)), ""
    except Interrupted:
        raise
    except PgsafeError as error:
        return None, error.what.rstrip(".")


def end(server: Session, run_journal: Journal, identity: Identity) -> None:
    """Give the log and the sums back; safe to repeat."""
    changed_blocks.drop(server, slot_of(run_journal.run_id, identity))
    files.remove(_path(run_journal))


def _path(run_journal: Journal) -> Path:
    return run_journal.directory / _SUMS


@contextmanager
def recording(
    holder: Session, run_journal: Journal, mark: Mark | None, snapshot_lsn: str
) -> Iterator[blocks.BlockRecorder | None]:
    """For the reading of a backup; None where the log would not tell what was changed since its snapshot."""
    if mark is None:
        yield None
        return
    if not changed_blocks.settled(holder, mark):
        run_journal.note("A transaction from before the fence was still open: the log is no evidence for this backup.")
        yield None
        return
    with files.atomic(_path(run_journal)) as sink:
        recorder = blocks.BlockRecorder(holder, block_sums.Writer(sink), snapshot_lsn)
        yield recorder
        recorder.finish()


def read_again(
    live: Target, manifest: Manifest, run_journal: Journal, mark: Mark | None, jobs: int
) -> Fingerprint | None:
    """The fingerprint of the database by the blocks that were changed; None where the whole has to be read.

    The log of the run says which it was.
    """
    if mark is None or not _path(run_journal).exists():
        return None
    try:
        found, told = _read_again(live, manifest, run_journal, mark, jobs)
    except Interrupted:
        raise
    except PgsafeError as error:
        run_journal.note(f"The write-ahead log does not show what changed, so the whole database is read: {error.what}")
        return None
    run_journal.note(told)
    return found


def _read_again(
    live: Target, manifest: Manifest, run_journal: Journal, mark: Mark, jobs: int
) -> tuple[Fingerprint, str]:
    found: list[blocks.Refreshed] = []
    with block_sums.opened(_path(run_journal)) as sums:
        if sums.state.snapshot_lsn != manifest.snapshot_lsn:
            raise Refused("the sums of its blocks are of another backup.")

        def contents(holder: Session) -> blocks.Refreshed:
            log = _Log(live, run_journal.run_id, manifest.identity, mark, _patience(manifest, jobs))
            found.append(blocks.Refreshed(holder, manifest.fingerprint, sums, log.changed))
            return found[0]

        refreshed = fingerprint.by_contents(live, jobs, SOURCE, "look", contents)
    return refreshed, _told(found[0])


def _told(read: blocks.Refreshed) -> str:
    whole = f"; read whole: {', '.join(read.whole)}" if read.whole else ""
    if not read.blocks:
        return f"The write-ahead log shows no changed block of a table since the fence{whole}."
    return f"The write-ahead log shows {read.blocks:,} blocks changed since the fence; these were read again{whole}."


def _patience(manifest: Manifest, jobs: int) -> float:
    """About what reading the whole takes."""
    return max(_LEAST_PATIENCE_SECONDS, manifest.database_bytes / ASSUMED_BYTES_PER_SECOND / max(1, jobs))


class _Log:
    """
    :param patience: seconds that its reading may take.
    """

    def __init__(self, live: Target, run_id: str, identity: Identity, mark: Mark, patience: float) -> None:
        self._live = live
        self._run_id = run_id
        self._identity = identity
        self._mark = mark
        self._limit = {**cutover.DURABLE, "statement_timeout": f"{patience * 1000:.0f}ms"}

    def changed(self, filenodes: set[int]) -> blocks.Changed:
        """Up to now.

        :raises PgsafeError: the log is not kept any more, or cannot be read.
        """
        self._require_kept()
        place = copies.log_reader(self._live, self._identity.name, self._run_id)
        with place as reader, session(reader, self._limit, "log") as inspector:
            changed_blocks.prepare(inspector)
            found = changed_blocks.since(inspector, self._mark, self._identity.oid, filenodes)
        self._require_kept()
        return found

    def _require_kept(self) -> None:
        with session(self._live.maintenance, WRITING, "log") as server:
            lost = changed_blocks.lost(server, self._mark)
        if lost:
            raise Refused(f"{lost}.")
