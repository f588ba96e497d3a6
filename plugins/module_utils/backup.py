# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backup: an archive, an SQL script and a CSV per table of one snapshot; the manifest last."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    archives,
    client_tools,
    commands,
    csv_files,
    files,
    fingerprint,
    gzip_files,
    identity,
    names,
    parallel,
    pg_tools,
    properties,
    queries,
    report,
    snapshot,
)
from ansible_collections.pgsafe.migration.plugins.module_utils import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session, environment, session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import Journal, new_run, now
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import BackupFile, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import (
    DatabaseProperties,
    Fingerprint,
    Identity,
    Server,
    Table,
    TableState,
    Target,
)

STALL_SECONDS = 1800
_GLOBALS = "globals.sql"


@dataclass(frozen=True)
class BackupRequest:
    """:param jobs: sessions that read tables beside pg_dump.
    :param compress_level: gzip level of the archive and the script, 1 to 9.
    :param lock_timeout: seconds to wait for a table that somebody has locked.
    :param audit: the result of the audit, written as ``audit_report.txt``; empty writes none.
    """

    target: Target
    backup_root: Path
    jobs: int = 2
    compress_level: int = 1
    lock_timeout: int = 30
    audit: Mapping[str, Any] = field(default_factory=dict)


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
    run_id: str
    directory: Path
    manifest: Manifest


@dataclass
class _Collected:
    """What the parts of one backup have found so far."""

    tables: dict[str, TableState] = field(default_factory=dict)
    files: list[BackupFile] = field(default_factory=list)
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
    catalog: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]
    findings: tuple[str, ...]
    tuples_written: int
    lsn: str


def plan(request: BackupRequest) -> BackupPlan:
    """
    :raises PgsafeError: a backup could not even be begun.
    """
    with session(request.target, purpose="backup") as reader:
        server = identity.server(reader)
        return BackupPlan(
            identity=identity.read(reader),
            server=server,
            tools=client_tools.find(request.target, server.major),
            database_bytes=int(reader.value(queries.DATABASE_SIZE, (request.target.dbname,))),
            tables=tuple(fingerprint.tables(reader)),
        )


def run(request: BackupRequest) -> Backup:
    """Take a backup in a directory of its own.

    :raises PgsafeError: it could not be taken; an incomplete directory of this run was removed.
    """
    if not 1 <= request.compress_level <= 9:
        raise BadRequest(f"compress_level is {request.compress_level}; gzip knows 1 to 9.")
    planned = plan(request)
    journal = new_run(request.backup_root)
    with journal.held():
        directory = _directory(request, journal)
        journal.append("backup_started", backup_dir=str(directory), database=request.target.dbname)
        with _removed_on_failure(directory, journal):
            manifest = _Taking(request, planned, directory, journal.run_id).take()
        journal.append("backed_up", backup_dir=str(directory), manifest_sha256=manifests.digest_of(directory))
    return Backup(journal.run_id, directory, manifest)


def _directory(request: BackupRequest, journal: Journal) -> Path:
    parent = request.backup_root / names.directory_name(request.target.dbname)
    files.make_directory(parent)
    directory = parent / f"migration_{journal.run_id}"
    if not files.make_directory(directory):
        raise BadRequest(f"The backup directory {directory} exists already.")
    return directory


@contextmanager
def _removed_on_failure(directory: Path, journal: Journal) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        journal_state = "The incomplete backup directory was removed; the database was not changed."
        try:
            files.remove_tree(directory)
        except PgsafeError as undo:
            journal_state = f"An incomplete backup directory is left: {directory} ({undo.what})"
        if isinstance(error, PgsafeError):
            error.with_state(journal_state)
        journal.append("backup_failed", error=str(error))
        raise


class _Taking:
    """One backup being taken."""

    def __init__(self, request: BackupRequest, planned: BackupPlan, directory: Path, run_id: str) -> None:
        self._request = request
        self._plan = planned
        self._directory = directory
        self._run_id = run_id
        self._found = _Collected()
        self._purpose = f"backup {run_id}"

    def take(self) -> Manifest:
        with self._found.timed("snapshot_held"):
            held = self._under_snapshot()
        sequences = self._sequences()
        parallel.together([self._script, self._archive_digest, self._globals])
        if self._request.audit:
            text = report.audit(self._request.audit)
            self._note(
                manifests.AUDIT_REPORT, "report", files.write_text(self._directory / manifests.AUDIT_REPORT, text)
            )
        return self._seal(held, sequences)

    def _under_snapshot(self) -> _Held:
        request = self._request
        with snapshot.shared(request.target, request.lock_timeout, self._purpose) as snap:
            held = _read_held(snap.session, request.target.dbname, snap.lsn)
            tables = fingerprint.tables(snap.session)
            work = csv_files.work(snap.session, tables)
            readers = [lambda stop: self._read_tables(stop, snap, work) for _reader in range(max(1, request.jobs))]
            parallel.together([lambda stop: self._archive(stop, snap), *readers])
        return held

    def _archive(self, stop: parallel.Stop, snap: snapshot.Snapshot) -> None:
        path = files.partial_name(self._directory / manifests.ARCHIVE)
        request = self._request
        argv = pg_tools.dump_archive(
            self._plan.tools, str(path), snap.name, request.compress_level, request.target.session_role
        )
        env = environment(request.target, {"row_security": "off"}, self._purpose)
        with self._found.timed("dump"):
            commands.run(commands.Command(argv, env, stall_limit=STALL_SECONDS), lambda: _progress(stop, path))
            with files.reporting(f"{manifests.ARCHIVE} could not be written", path):
                path.chmod(files.FILE_MODE)
                files.sync_file(path)
                files.commit(path, self._directory / manifests.ARCHIVE)

    def _read_tables(self, stop: parallel.Stop, snap: snapshot.Snapshot, work: csv_files.Work) -> None:
        with snapshot.reader(self._request.target, snap, self._purpose) as reader, stop.calling(reader.cancel):
            while True:
                stop.check()
                try:
                    item = work.get_nowait()
                except queue.Empty:
                    return
                self._read_table(reader, item)

    def _read_table(self, reader: Session, item: csv_files.Item) -> None:
        if item.csv_name:
            self._found.files.append(csv_files.write(reader, item, self._directory))
        else:
            self._found.tables[item.table.label] = fingerprint.state(reader, item.table)

    def _sequences(self) -> dict[str, str]:
        """What the archive will set: the sequences themselves are outside any snapshot."""
        return archives.sequences(self._plan.tools, self._directory / manifests.ARCHIVE)

    def _script(self, stop: parallel.Stop) -> None:
        """Derived from the archive: the database is not read again, and every block of the archive is decoded."""
        argv = pg_tools.script_of_archive(self._plan.tools, str(self._directory / manifests.ARCHIVE))
        command = commands.Command(argv, stall_limit=STALL_SECONDS)
        path = self._directory / manifests.SCRIPT

        level = self._request.compress_level
        with self._found.timed("script"), files.atomic(path) as sink, gzip_files.writer(sink, level) as stream:

            def pass_on(chunk: bytes) -> None:
                stop.check()
                stream.write(chunk)

            commands.read_into(command, pass_on)
        self._note(manifests.SCRIPT, "sql", sink.digest)

    def _archive_digest(self, stop: parallel.Stop) -> None:
        """While the script is derived from it: pg_dump seeks back to complete the archive's table of contents, so
        its digest is not known while it is written, but its blocks are read just now anyway."""
        stop.check()
        self._note(manifests.ARCHIVE, "dump", files.sha256_of(self._directory / manifests.ARCHIVE))

    def _globals(self, stop: parallel.Stop) -> None:
        stop.check()
        target = self._request.target
        argv = pg_tools.globals_only(self._plan.tools, target.maintenance_db, target.session_role)
        env = environment(target.maintenance, purpose=self._purpose)
        text = commands.output(commands.Command(argv, env, time_limit=STALL_SECONDS))
        self._note(_GLOBALS, "globals", files.write_text(self._directory / _GLOBALS, text))

    def _note(self, name: str, kind: str, digest: files.Digest) -> None:
        self._found.files.append(BackupFile(name, kind, digest.size, digest.sha256, report.DESCRIPTIONS[kind]))

    def _seal(self, held: _Held, sequences: Mapping[str, str]) -> Manifest:
        """manifest.txt, then manifest.json, then the checksums; only then is the directory a backup."""
        manifest = self._manifest(held, sequences)
        text = report.manifest(manifest)
        digest = files.write_text(self._directory / manifests.MANIFEST_TEXT, text)
        self._note(manifests.MANIFEST_TEXT, "manifest", digest)
        manifest = self._manifest(held, sequences)
        rendered = manifests.to_json(manifest)
        checksums = manifests.checksums(manifest, files.sha256_of_text(rendered))
        files.write_text(self._directory / manifests.CHECKSUMS, checksums)
        files.write_text(self._directory / manifests.MANIFEST, rendered)
        return manifest

    def _manifest(self, held: _Held, sequences: Mapping[str, str]) -> Manifest:
        planned = self._plan
        return Manifest(
            run_id=self._run_id,
            created=now(),
            backup_type="pre-migration",
            source_url=self._request.target.sanitised_url,
            identity=planned.identity,
            server_version=planned.server.version,
            server_version_text=planned.server.version_text,
            tools_version=planned.tools.version,
            snapshot_lsn=held.lsn,
            database_bytes=planned.database_bytes,
            tuples_written=held.tuples_written,
            files=tuple(sorted(self._found.files, key=lambda file: (manifests.KINDS.index(file.kind), file.name))),
            fingerprint=Fingerprint(dict(sorted(self._found.tables.items())), sequences, held.catalog),
            properties=held.properties,
            left_out=held.left_out,
            findings=held.findings,
            seconds=dict(self._found.seconds),
        )


def _read_held(reader: Session, database: str, lsn: str) -> _Held:
    return _Held(
        properties=properties.read(reader, database),
        catalog=fingerprint.catalog(reader),
        left_out=dict(reader.rows(queries.LEFT_OUT_OF_CSV)),
        findings=tuple(finding.key for finding in audit.findings(reader)),
        tuples_written=int(reader.value(queries.TUPLES_WRITTEN)),
        lsn=lsn,
    )


def _progress(stop: parallel.Stop, path: Path) -> int:
    stop.check()
    return path.stat().st_size if path.exists() else 0
