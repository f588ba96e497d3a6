# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backup: an archive, an SQL script and a CSV per table of one snapshot; the manifest last."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from .. import text as report
from ..audit import run as audit
from ..audit.report import AuditReport
from ..backup_set import archives, csv_files
from ..backup_set import manifest as manifests
from ..backup_set.manifest import BackupFile, Manifest
from ..compare import cluster, fingerprint
from ..compare.contents import Contents, Work
from ..compare.reading_modes import Chosen
from ..copies import losses
from ..errors import BadRequest, Interrupted, PgsafeError, Refused
from ..fence import run as fence
from ..journal.events import Event
from ..journal.journal import Journal, new_run, now, of_run
from ..model import MODES, SOURCE, Cluster, DatabaseProperties, Fingerprint, Identity, Server, Table, Target
from ..ports import files, parallel
from ..ports.database import Session, session
from ..postgres import (
    client_tools,
    ddl_watch,
    identity,
    login_triggers,
    owner_code,
    pg_tools,
    properties,
    queries,
    snapshot,
)
from . import formats
from . import root as backup_root

METHODS = ("gzip", "lz4", "zstd", "none")

# Four hours of one processor: about a terabyte.


@dataclass(frozen=True)
class BackupRequest:
    """:param jobs: sessions that read tables beside pg_dump.
    :param compress_method: of the archive, one of :data:`METHODS`; the script is always gzip.
    :param compress_level: of the archive and the script; gzip knows 1 to 9.
    :param lock_timeout: seconds to wait for a locked table.
    :param csv: patterns of the tables that get a CSV; all by default, none when empty.
    :param abort_on_blocked_ddl: stop when DDL of another session has waited for the backup's locks for 5 s.
    :param fingerprint: how closely tables are read for it, one of :data:`model.MODES`.
    :param fingerprint_budget: seconds of reading, all sessions added up, that `full` may take; 0 sets no limit.
    :param audit: the audit of the run, written as ``audit_report.txt`` and noted in the manifest; None writes none.
    :param run_id: the run, begun by a fence, that the backup is to belong to; empty begins one.
    """

    target: Target
    backup_root: Path
    jobs: int
    compress_method: str
    compress_level: int
    lock_timeout: int
    csv: Sequence[str]
    abort_on_blocked_ddl: bool
    audit: AuditReport | None
    fingerprint: str
    fingerprint_budget: float
    run_id: str


@dataclass(frozen=True)
class BackupPlan:
    """What a backup would be, as far as reading shows it."""

    identity: Identity
    server: Server
    tools: pg_tools.Tools
    database_bytes: int
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Backup:
    """:param swept: unfinished directories of dead runs that were removed."""

    run_id: str
    directory: Path
    manifest: Manifest
    swept: tuple[str, ...] = ()


@dataclass
class _Collected:
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
class _Held:
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


def plan(request: BackupRequest) -> BackupPlan:
    """
    :raises PgsafeError: a backup could not even be begun.
    """
    return _plan(_silenced(request))


def _silenced(request: BackupRequest) -> BackupRequest:
    return replace(request, target=login_triggers.silenced(request.target))


def _plan(request: BackupRequest) -> BackupPlan:
    with session(request.target, purpose="backup") as reader:
        server = identity.server(reader)
        _require_usable(request, server, standby=bool(reader.value(queries.STANDBY)))
        _require_complete(reader)
        return BackupPlan(
            identity=identity.read(reader),
            server=server,
            tools=client_tools.find(request.target, server.major),
            database_bytes=int(reader.value(queries.DATABASE_SIZE, (request.target.dbname,))),
            tables=tuple(fingerprint.tables(reader)),
        )


def _require_usable(request: BackupRequest, server: Server, standby: bool) -> None:
    if request.compress_method not in METHODS:
        raise BadRequest(f"compress_method is {request.compress_method}; choose one of {', '.join(METHODS)}.")
    if not 1 <= request.compress_level <= 9:
        raise BadRequest(f"compress_level is {request.compress_level}; it goes from 1 to 9.")
    if request.fingerprint not in MODES:
        raise BadRequest(f"fingerprint is {request.fingerprint}; choose one of {', '.join(MODES)}.")
    if request.fingerprint_budget < 0:
        raise BadRequest(f"fingerprint_budget is {request.fingerprint_budget}; it is seconds, and 0 sets no limit.")
    if standby:
        raise Refused("The server is a standby, which is read-only.", remedy="Connect to the primary.")
    if not pg_tools.compression(request.compress_method, request.compress_level, server.major):
        raise BadRequest(f"pg_dump {server.major} does not know the method {request.compress_method}; 16 and later do.")


def _require_complete(reader: Session) -> None:
    """
    :raises Refused: a dump by this role would lack something without a word.
    """
    lost = [name for (name,) in reader.rows(queries.SILENTLY_LOST)]
    if lost:
        raise Refused(
            f"A dump by a role that is no superuser would silently omit: {', '.join(lost)}.",
            remedy="Connect as a superuser, or drop what is listed.",
        )


def run(request: BackupRequest) -> Backup:
    """Take a backup in a directory of its own.

    :raises PgsafeError: it could not be taken; an incomplete directory of this run was removed.
    """
    request = _silenced(request)
    planned = _plan(request)
    swept = backup_root.sweep(request.backup_root)
    journal = run_of(request)
    with journal.held():
        directory = backup_root.new_directory(request.backup_root, request.target.dbname, journal.run_id)
        journal.append(Event.BACKUP_STARTED, backup_dir=str(directory), database=request.target.dbname)
        with backup_root.removed_on_failure(directory, journal):
            manifest = _Taking(request, planned, directory, journal).take()
        journal.append(Event.BACKED_UP, backup_dir=str(directory), manifest_sha256=manifests.digest_of(directory))
        journal.log_beside(directory)
    return Backup(journal.run_id, directory, manifest, tuple(swept))


def run_of(request: BackupRequest) -> Journal:
    """The run that a backup is to be of; a new one when none is named.

    :raises Refused: the run that was named has no fence, or has a backup already.
    """
    if not request.run_id:
        return new_run(request.backup_root)
    journal = of_run(request.backup_root, request.run_id)
    if journal is None or not journal.state.awaits_backup:
        raise Refused(
            f"The run {request.run_id} has no fence that waits for its backup.",
            remedy="Leave run_id out, or name the run that pg_fence has just begun.",
        )
    return journal


class _Taking:
    """One backup being taken."""

    def __init__(self, request: BackupRequest, planned: BackupPlan, directory: Path, journal: Journal) -> None:
        self._request = request
        self._plan = planned
        self._found = _Collected()
        self._run_id = journal.run_id
        self._fence = fence.recorded(journal)
        self._place = formats.Place(request.target, planned.tools, directory, f"backup {journal.run_id}")

    def take(self) -> Manifest:
        try:
            with self._found.timed("snapshot_held"):
                held = self._under_snapshot()
            sequences = archives.sequences(self._plan.tools, self._place.directory / manifests.ARCHIVE)
            parallel.together([self._script, self._archive_digest, self._globals])
        except PgsafeError as error:
            self._end_backends(error)
            raise
        if self._request.audit:
            self._found.files.append(formats.report_of_audit(self._place, self._request.audit))
        return self._seal(held, sequences)

    def _end_backends(self, error: PgsafeError) -> None:
        """A client that was killed leaves its backend at work; no backend of this collection outlives the backup."""
        try:
            with session(self._request.target.maintenance, purpose="clean up") as server:
                name = self._place.application
                server.execute(queries.TERMINATE_OURS, (self._request.target.dbname, name))
        except PgsafeError as undo:
            error.joined(f"sessions of the backup could not be ended: {undo.what}")

    def _under_snapshot(self) -> _Held:
        request, target = self._request, self._request.target
        before = ddl_watch.mark(target)
        stop = parallel.Stop()
        # Before the snapshot, so that of what others write after it nothing is left uncounted.
        with session(target, purpose=self._place.purpose) as reader:
            counted = reader.row(queries.TUPLES_WRITTEN)
        with snapshot.shared(target, request.lock_timeout, self._place.purpose) as snap:
            # First: a session that imported the snapshot keeps it, while the one that exported it may be lost.
            held = _read_held(snap, self._plan.identity, self._request.audit, counted)
            with ddl_watch.watching(target, self._place.purpose, stop, request.abort_on_blocked_ddl) as watched:
                contents = self._read_all(snap, stop, watched)
            ddl_watch.require_unchanged(target, before)
        self._found.seconds["fingerprint"] = contents.seconds
        self._found.warnings += watched.blocked
        return replace(held, fingerprint=fingerprint.filled(held.fingerprint, contents))

    def _read_all(self, snap: snapshot.Snapshot, stop: parallel.Stop, watched: ddl_watch.Watched) -> Contents:
        owner_code.require_readable(snap.session)
        contents = Contents(snap.session, Chosen(self._request.fingerprint, self._request.fingerprint_budget))
        waiting = fingerprint.queued(chain(self._csv_work(snap.session), contents.work()))
        readers = [lambda halt: self._read(halt, snap, waiting) for _reader in range(max(1, self._request.jobs))]
        try:
            parallel.together([lambda halt: self._archive(halt, snap), *readers], stop)
        except PgsafeError as error:
            told = [text for text in (snap.loss(), *watched.blocked) if text]
            if told:
                raise _explained(error, told) from None
            raise
        return contents

    def _csv_work(self, session: Session) -> Iterator[Work]:
        for item in csv_files.items(session, fingerprint.tables(session), self._request.csv):
            yield Work(f"table {item.table.label}", partial(self._write_csv, item))

    def _write_csv(self, item: csv_files.Item, reader: Session) -> None:
        self._found.files.append(csv_files.write(reader, item, self._place.directory))

    def _archive(self, stop: parallel.Stop, snap: snapshot.Snapshot) -> None:
        request = self._request
        compress = pg_tools.compression(request.compress_method, request.compress_level, self._plan.server.major)
        with self._found.timed("dump"):
            self._found.warnings += formats.archive(self._place, snap, compress, stop)

    def _read(self, stop: parallel.Stop, snap: snapshot.Snapshot, waiting: queue.SimpleQueue[Work]) -> None:
        with snapshot.reader(self._request.target, snap, self._place.purpose) as reader, stop.calling(reader.cancel):
            for work in fingerprint.taken_from(waiting, stop):
                with _naming(work, stop):
                    work.run(reader)

    def _script(self, stop: parallel.Stop) -> None:
        with self._found.timed("script"):
            self._found.files.append(formats.script(self._place, self._request.compress_level, stop))

    def _archive_digest(self, stop: parallel.Stop) -> None:
        stop.check()
        self._found.files.append(formats.archive_digest(self._place))

    def _globals(self, stop: parallel.Stop) -> None:
        stop.check()
        self._found.files.append(formats.server_globals(self._place))

    def _seal(self, held: _Held, sequences: Mapping[str, str]) -> Manifest:
        """manifest.txt, then the checksums, then manifest.json; only then is the directory a backup."""
        directory = self._place.directory
        described = self._manifest(held, sequences)
        digest = files.write_text(directory / manifests.MANIFEST_TEXT, report.manifest(described))
        entry = formats.listed(manifests.MANIFEST_TEXT, "manifest", digest)
        manifest = replace(described, files=(*described.files, entry))
        rendered = manifests.to_json(manifest)
        checksums = manifests.checksums(manifest, files.sha256_of_text(rendered))
        files.write_text(directory / manifests.CHECKSUMS, checksums)
        files.write_text(directory / manifests.MANIFEST, rendered)
        return manifest

    def _manifest(self, held: _Held, sequences: Mapping[str, str]) -> Manifest:
        planned, request = self._plan, self._request
        return Manifest(
            run_id=self._run_id,
            created=now(),
            backup_type="pre-migration",
            source_url=request.target.sanitised_url,
            identity=planned.identity,
            server_version=planned.server.version,
            server_version_text=planned.server.version_text,
            tools_version=planned.tools.version,
            snapshot_lsn=held.lsn,
            database_bytes=planned.database_bytes,
            tuples_written=held.counted[0],
            statistics=held.counted[1],
            files=tuple(sorted(self._found.files, key=lambda file: (manifests.KINDS.index(file.kind), file.name))),
            fingerprint=replace(held.fingerprint, sequences=sequences),
            properties=fence.unfenced(held.properties, self._fence),
            cluster=held.cluster,
            left_out={**held.left_out, **self._not_chosen(held.fingerprint.tables)},
            findings=held.findings,
            compression=formats.compression_facts(request.compress_method, request.compress_level),
            warnings=tuple(self._found.warnings),
            seconds=dict(self._found.seconds),
            preload_libraries=held.preload_libraries,
            losses=held.losses,
        )

    def _not_chosen(self, labels: Iterable[str]) -> dict[str, str]:
        return {label: "not chosen" for label in labels if not csv_files.chosen(label, self._request.csv)}


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


def _read_held(snap: snapshot.Snapshot, of: Identity, audited: AuditReport | None, counted: Any) -> _Held:
    reader = snap.session
    return _Held(
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
