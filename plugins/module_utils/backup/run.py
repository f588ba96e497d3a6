# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backup: an archive, an SQL script and a CSV per table of one snapshot; the manifest last."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from .. import text as report
from ..backup_set import archives, csv_files
from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..compare import fingerprint
from ..compare.contents import Recorder
from ..errors import BadRequest, PgsafeError, Refused
from ..fence import follow, log_evidence
from ..fence import run as fence
from ..journal.events import Event
from ..journal.journal import Journal, new_run, now, of_run
from ..model import MODES, Identity, Server, Table
from ..ports import files, parallel
from ..ports.database import Session, session
from ..postgres import (
    client_tools,
    identity,
    login_triggers,
    pg_tools,
    queries,
    snapshot,
)
from . import formats, volatile
from . import root as backup_root
from .reading import CameBetween, Collected, Held, Reading
from .request import METHODS, BackupRequest


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
        _require_usable(request, standby=bool(reader.value(queries.STANDBY)))
        _require_complete(reader)
        volatile.look(reader, request.volatile)
        tools = client_tools.find(request.target, server.major)
        client_tools.require_compression(tools, request.compress_method)
        return BackupPlan(
            identity=identity.read(reader),
            server=server,
            tools=tools,
            database_bytes=int(reader.value(queries.DATABASE_SIZE, (request.target.dbname,))),
            tables=tuple(fingerprint.tables(reader)),
        )


def _require_usable(request: BackupRequest, standby: bool) -> None:
    if request.compress_method not in METHODS:
        raise BadRequest(f"compress_method is {request.compress_method}; choose one of {', '.join(METHODS)}.")
    if not 1 <= request.compress_level <= 9:
        raise BadRequest(f"compress_level is {request.compress_level}; it goes from 1 to 9.")
    if request.fingerprint not in MODES:
        raise BadRequest(f"fingerprint is {request.fingerprint}; choose one of {', '.join(MODES)}.")
    if standby:
        raise Refused("The server is a standby, which is read-only.", remedy="Connect to the primary.")


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
        self._found = Collected()
        self._run_id = journal.run_id
        self._journal = journal
        self._fence = fence.recorded(journal)
        self._place = formats.Place(request.target, planned.tools, directory, f"backup {journal.run_id}")

    def take(self) -> Manifest:
        if self._fence and self._fence.followed:
            follow.publish(self._request.target, self._journal, self._plan.identity)
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

    def _under_snapshot(self) -> Held:
        """Begin until no client has come between the snapshot and pg_dump's locks.

        :raises LockNotAvailable: other sessions keep tables locked.
        :raises Changed: other sessions truncate or alter tables again and again.
        """
        request, deadline = self._request, time.monotonic() + self._request.lock_timeout
        with snapshot.holder(request.target, self._place.purpose) as holder:
            while True:
                ways = (self._export, self._recording, self._volatile())
                reading = Reading(request, self._plan.identity, self._place, self._found, holder, *ways)
                try:
                    return reading.read(self._plan.server.major, max(0, deadline - time.monotonic()))
                except CameBetween as between:
                    if time.monotonic() > deadline:
                        raise between.cause from None
                    self._begin_again(holder, between)

    def _volatile(self) -> volatile.Volatile:
        """None where other sessions cannot write, as none truncates then."""
        if self._fence and self._fence.read_only:
            return volatile.NONE
        with session(self._request.target, purpose=self._place.purpose) as reader:
            found = volatile.look(reader, self._request.volatile)
        if found.labels:
            self._journal.note(f"Read first, and not locked after that: {', '.join(sorted(found.labels))}")
        return found

    def _export(self, holder: Session) -> snapshot.Snapshot:
        if self._fence is None or not self._fence.followed:
            return snapshot.export(holder)
        patience = float(self._request.lock_timeout)
        with follow.snapshot(self._request.target, self._journal, self._plan.identity, patience) as exported:
            return snapshot.export(holder, exported)

    def _recording(self, holder: Session, snapshot_lsn: str) -> AbstractContextManager[Recorder | None]:
        mark = self._fence.log if self._fence else None
        return log_evidence.recording(holder, self._journal, mark, snapshot_lsn)

    def _begin_again(self, holder: Session, between: CameBetween) -> None:
        snapshot.release(holder)
        holder.execute(queries.TERMINATE_OURS, (self._request.target.dbname, self._place.application))
        told = f"Begun again, since other sessions changed or locked tables meanwhile: {between.what}"
        self._found.warnings[:] = [told]

    def _script(self, stop: parallel.Stop) -> None:
        with self._found.timed("script"):
            self._found.files.append(formats.script(self._place, self._request.compress_level, stop))

    def _archive_digest(self, stop: parallel.Stop) -> None:
        stop.check()
        self._found.files.append(formats.archive_digest(self._place))

    def _globals(self, stop: parallel.Stop) -> None:
        stop.check()
        self._found.files.append(formats.server_globals(self._place))

    def _seal(self, held: Held, sequences: Mapping[str, str]) -> Manifest:
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

    def _manifest(self, held: Held, sequences: Mapping[str, str]) -> Manifest:
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
            fingerprint=follow.as_before(replace(held.fingerprint, sequences=sequences), self._journal),
            properties=fence.unfenced(held.properties, self._fence),
            cluster=held.cluster,
            left_out={**held.left_out, **self._not_chosen(held.fingerprint.tables)},
            findings=held.findings,
            compression=formats.compression_facts(request.compress_method, request.compress_level),
            warnings=(*csv_files.unmatched(self._plan.tables, self._request.csv), *self._found.warnings),
            seconds=dict(self._found.seconds),
            preload_libraries=held.preload_libraries,
            losses=held.losses,
        )

    def _not_chosen(self, labels: Iterable[str]) -> dict[str, str]:
        return {label: "not chosen" for label in labels if not csv_files.chosen(label, self._request.csv)}
