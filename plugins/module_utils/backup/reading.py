# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a database under one snapshot: pg_dump, sessions beside it, and the session that holds the snapshot.

pg_dump locks its tables first, and no session beside it takes a lock before that: a client that waits for such a lock
would hold pg_dump up, and the backup would wait for pg_dump, which the server cannot see to be a deadlock.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, Optional

from ..audit import run as audit
from ..audit.report import AuditReport
from ..backup_set import csv_files
from ..backup_set.manifest import BackupFile
from ..compare import cluster, fingerprint
from ..compare.contents import Contents, Recorder, Work
from ..compare.reading_modes import Chosen
from ..copies import losses
from ..errors import Interrupted, LockNotAvailable, PgsafeError, Refused
from ..model import SOURCE, Cluster, DatabaseProperties, Fingerprint, Identity
from ..ports import parallel
from ..ports.database import Session, session
from ..postgres import ddl_watch, owner_code, pg_tools, properties, queries, snapshot
from . import formats, volatile
from .request import BackupRequest

_LOOK_SECONDS = 0.05

Export = Callable[[Session], snapshot.Snapshot]
Recording = Callable[[Session, str], AbstractContextManager[Optional[Recorder]]]


@dataclass
class Collected:
    """What the parts of one backup have found so far."""

    files: list[BackupFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[part] = round(time.monotonic() - started, 3)


@dataclass(frozen=True)
class Held:
    """What was read under the snapshot by the session that holds it."""

    properties: DatabaseProperties
    cluster: Cluster
    fingerprint: Fingerprint
    left_out: Mapping[str, str]
    findings: Mapping[str, int]
    counted: tuple[int, str]
    lsn: str
    preload_libraries: str
    losses: Mapping[str, tuple[str, ...]]


class CameBetween(PgsafeError):
    """Another session locked or changed a table before pg_dump had its locks, and before any table was read.

    :param cause: the error to report when there is no time left to begin again.
    """

    def __init__(self, cause: PgsafeError) -> None:
        super().__init__(cause.what, remedy=cause.remedy)
        self.cause = cause


class Reading:
    """One snapshot, and all that is read under it.

    :param holder: the session that exports it; see :func:`snapshot.holder`.
    :param found: receives the files, warnings and seconds.
    :param export: takes the snapshot, in the session that holds it.
    :param recording: of blocks, beside the content; of the session that holds the snapshot, and its position.
    :param apart: volatile tables, which are read first, and not locked after that.
    """

    def __init__(
        self,
        request: BackupRequest,
        source: Identity,
        place: formats.Place,
        found: Collected,
        holder: Session,
        export: Export,
        recording: Recording,
        apart: volatile.Volatile,
    ) -> None:
        self._request = request
        self._source = source
        self._place = place
        self._found = found
        self._holder = holder
        self._export = export
        self._recording = recording
        self._volatile = apart
        self._read: list[Held] = []
        self._settled = False
        self._dumped = threading.Event()

    def read(self, major: int, patience: float) -> Held:
        """
        :param major: of the server.
        :param patience: seconds to wait for tables that other sessions have locked.
        :raises CameBetween: beginning again may help; nothing was read yet.
        :raises LockNotAvailable: a table was not unlocked in time.
        """
        request, target = self._request, self._request.target
        snapshot.await_free(self._holder, patience)
        before = ddl_watch.mark(target, self._volatile.oids)
        # Before the snapshot, so that of what others write after it nothing is left uncounted.
        with session(target, purpose=self._place.purpose) as reader:
            counted = reader.row(queries.TUPLES_WRITTEN)
        # As late as possible, since these tables are truncated all the time.
        files = volatile.files(self._holder, self._volatile)
        snap, stop = self._export(self._holder), parallel.Stop()
        with ddl_watch.watching(target, self._place.purpose, stop, request.abort_on_blocked_ddl) as watched:
            pieces = [partial(self._archive, snap, major), partial(self._beside, snap, before, files, counted)]
            try:
                parallel.together(pieces, stop)
            except PgsafeError as error:
                self._raise(error, before, [text for text in (snap.loss(), *watched.blocked) if text])
        ddl_watch.require_unchanged(target, before)
        self._found.warnings += watched.blocked
        return self._read[0]

    def _raise(self, error: PgsafeError, before: ddl_watch.Mark, around: Sequence[str]) -> None:
        """
        :param around: what happened around the error.
        """
        if around:
            raise _explained(error, around) from None
        if not self._settled:
            self._require_undisturbed(error, before)
        raise error

    def _require_undisturbed(self, error: PgsafeError, before: ddl_watch.Mark) -> None:
        """
        :raises CameBetween: the error comes from what another session did to a table.
        """
        if isinstance(error, (LockNotAvailable, ddl_watch.Changed)):
            raise CameBetween(error) from None
        # pg_dump limits its wait for locks by statement_timeout (src/bin/pg_dump/pg_dump.c, setup_connection), whose
        # message is in the language of the server; the query that it quotes is not.
        if "LOCK TABLE" in error.what:
            snapshot.release(self._holder)
            if "statement timeout" in error.what or snapshot.lockers(self._holder):
                raise CameBetween(snapshot.held(self._holder)) from None
        try:
            ddl_watch.require_unchanged(self._request.target, before)
        except ddl_watch.Changed as changed:
            raise CameBetween(changed) from None

    def _archive(self, snap: snapshot.Snapshot, major: int, stop: parallel.Stop) -> None:
        request = self._request
        compress = pg_tools.compression(request.compress_method, request.compress_level, major)
        with self._found.timed("dump"):
            if apart := self._volatile.relations:
                self._found.warnings += formats.archive_in_parts(self._place, snap, compress, apart, stop)
            else:
                self._found.warnings += formats.archive(self._place, snap, compress, stop)
        self._dumped.set()

    def _beside(
        self, snap: snapshot.Snapshot, before: ddl_watch.Mark, files: volatile.Files, counted: Any, stop: parallel.Stop
    ) -> None:
        holder, request = self._holder, self._request
        with stop.calling(holder.cancel):
            self._await_locks(stop)
            locked = snapshot.lock(holder, self._volatile.tables, self._dumps)
            with ExitStack() as recording:
                with snapshot.locked(holder, self._volatile.tables):
                    ddl_watch.require_unchanged(request.target, before)
                    volatile.require_unchanged(holder, files)
                    self._settled = True
                    # First: a session that imported the snapshot keeps it, while the one that exported it may be lost.
                    held = _read_held(snap, self._source, request.audit, counted)
                    owner_code.require_readable(holder)
                    recorder = recording.enter_context(self._recording(holder, snap.lsn))
                    contents = Contents(holder, Chosen(request.fingerprint, request.fingerprint_budget), recorder)
                    work = list(chain(self._csv_work(), contents.work()))
                    _work_off(fingerprint.queued(self._of(work, apart=True)), holder, stop)
                others = self._of(work, apart=False)
                self._share(others, snap, snapshot.LOCK_WAIT_SECONDS if locked else request.lock_timeout, stop)
        self._found.seconds["fingerprint"] = contents.seconds
        self._read.append(replace(held, fingerprint=fingerprint.filled(held.fingerprint, contents)))

    def _await_locks(self, stop: parallel.Stop) -> None:
        """Until pg_dump has locked its tables, or is beyond that."""
        ours = (self._place.application, self._holder.pid, self._dumps)
        with session(self._request.target, purpose="locks") as looker:
            while not self._dumped.wait(_LOOK_SECONDS) and not formats.archive_bytes(self._place):
                stop.check()
                if not looker.value(queries.NOT_LOCKED_BY_DUMP, ours):
                    return

    @property
    def _dumps(self) -> int:
        """How many pg_dumps lock each table at first."""
        return 2 if self._volatile.relations else 1

    def _of(self, work: Sequence[Work], *, apart: bool) -> Iterator[Work]:
        return (piece for piece in work if (piece.table in self._volatile.labels) == apart)

    def _csv_work(self) -> Iterator[Work]:
        for item in csv_files.items(self._holder, fingerprint.tables(self._holder), self._request.csv):
            yield Work(f"table {item.table.label}", partial(self._write_csv, item), item.table.label)

    def _write_csv(self, item: csv_files.Item, reader: Session) -> None:
        self._found.files.append(csv_files.write(reader, item, self._place.directory))

    def _share(self, work: Iterator[Work], snap: snapshot.Snapshot, lock_wait: float, stop: parallel.Stop) -> None:
        """By sessions that see the snapshot; what clients that wait for a table keep from them, the holder reads."""
        waiting, kept = fingerprint.queued(work), queue.SimpleQueue[Work]()
        reader = partial(self._read_some, snap, waiting, kept, lock_wait)
        parallel.together([reader] * max(1, self._request.jobs), stop)
        _work_off(kept, self._holder, stop)

    def _read_some(
        self,
        snap: snapshot.Snapshot,
        waiting: queue.SimpleQueue[Work],
        kept: queue.SimpleQueue[Work],
        lock_wait: float,
        stop: parallel.Stop,
    ) -> None:
        purpose = self._place.purpose
        with snapshot.reader(self._request.target, snap, purpose, lock_wait) as reader, stop.calling(reader.cancel):
            _work_off(waiting, reader, stop, kept)


def _work_off(
    waiting: queue.SimpleQueue[Work], reader: Session, stop: parallel.Stop, kept: queue.SimpleQueue[Work] | None = None
) -> None:
    """
    :param kept: receives what the reader gets no lock for; without it that is an error.
    """
    for work in fingerprint.taken_from(waiting, stop):
        try:
            with _naming(work, stop):
                work.run(reader)
        except LockNotAvailable:
            if kept is None:
                raise
            kept.put(work)


@contextmanager
def _naming(work: Work, stop: parallel.Stop) -> Iterator[None]:
    """Say what could not be read: of a damaged page or a lost session the server itself does not."""
    try:
        yield
    except PgsafeError as error:
        # A statement that was cancelled because another part failed is not the reason.
        stop.check()
        error.what = f"The {work.about} could not be read: {error.what}"
        raise


def _explained(error: PgsafeError, told: Sequence[str]) -> PgsafeError:
    """The error of a backup with what happened around it; where it was given up for that, that is the reason."""
    what = "; ".join(told)
    if isinstance(error, Interrupted):
        return Refused(f"The backup was cancelled: {what}.", remedy="Run again when that is over.")
    error.what = f"{error.what.rstrip('.')}. Meanwhile: {what}."
    return error


def _read_held(snap: snapshot.Snapshot, of: Identity, audited: AuditReport | None, counted: Any) -> Held:
    reader = snap.session
    return Held(
        properties=properties.read(reader, of.name),
        cluster=cluster.read(reader, of),
        fingerprint=fingerprint.without_contents(reader, SOURCE),
        left_out=dict(reader.rows(queries.LEFT_OUT_OF_CSV)),
        findings=audit.known(audited, reader),
        counted=(int(counted[0]), str(counted[1])),
        lsn=snap.lsn,
        preload_libraries="".join(setting for (setting,) in reader.rows(queries.PRELOAD_LIBRARIES)),
        losses=losses.read(reader),
    )
