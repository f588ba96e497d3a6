# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore: beside, verified, then cut over by rename; the live database is never dropped or written over.

A rollback puts the restored database in the place of the failed one and keeps that one. A restore to a new name
leaves the live database alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    client_tools,
    copies,
    cutover,
    files,
    fingerprint,
    names,
    properties,
    queries,
)
from ansible_collections.pgsafe.migration.plugins.module_utils import identity as identities
from ansible_collections.pgsafe.migration.plugins.module_utils import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.database import (
    WRITING,
    identifier,
    session,
    statement,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    CommandFailed,
    FileFailed,
    PgsafeError,
    QueryFailed,
    Refused,
    VerificationFailed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import Journal, of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import SOURCE, Target


@dataclass(frozen=True)
class RestoreRequest:
    """:param new_database: the name to restore to; None for a rollback of the live database.
    :param finish: only finish what the backup's run has begun; a rollback that is done is not looked at again.
    :param settled_by_hand: do nothing but record that a person has put the database right by other means.
    """

    target: Target
    backup_dir: Path
    new_database: str | None = None
    jobs: int = 2
    finish: bool = False
    settled_by_hand: bool = False


@dataclass(frozen=True)
class Restored:
    """:param state: ``rolled_back``, ``restored``, or ``not_needed`` when the live database is as it was.
    :param method: ``archive`` or ``script``; empty when nothing was restored.
    :param kept: the name of the database that was replaced, or empty.
    :param failures: why each format that was tried before the method failed.
    """

    state: str
    database: str
    method: str
    kept: str
    failures: tuple[str, ...]
    sessions_ended: int
    rows: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class RestorePlan:
    database: str
    backup_bytes: int
    database_bytes: int
    sessions: int
    kept: str
    state: str


@dataclass(frozen=True)
class _Live:
    """Where the database of the backup is now.

    :param name: its name of now, or None when it is gone.
    :param done: it has been replaced already, and the name belongs to a restored one.
    """

    name: str | None
    done: bool


def plan(request: RestoreRequest) -> RestorePlan:
    """What a restore would do, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    manifest = manifests.read(request.backup_dir)
    _require_meant(request, manifest)
    database = request.new_database or manifest.identity.name
    with session(request.target.maintenance, purpose="restore") as server:
        sessions = server.rows(queries.SESSIONS, (database, [server.pid]))
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
    done = bool(found) and found[0][0] == _kept_name(manifest) and not request.new_database
    return RestorePlan(
        database=database,
        backup_bytes=manifest.bytes,
        database_bytes=manifest.database_bytes,
        sessions=len(sessions),
        kept="" if request.new_database else _kept_name(manifest),
        state="not_needed" if done else "restored" if request.new_database else "rolled_back",
    )


def run(request: RestoreRequest) -> Restored:
    """Restore to a new database, or roll the live one back, recording it in the journal of the backup's run.

    :raises PgsafeError: it could not be done; the live database is open and as it was before the call.
    """
    manifest = manifests.read(request.backup_dir)
    _require_meant(request, manifest)
    if request.new_database:
        return to_new(request, manifest, request.new_database)
    run_journal = of_run(request.backup_dir.parent.parent, manifest.run_id)
    if run_journal is None:
        return roll_back(request, manifest, None)
    with run_journal.held():
        if request.settled_by_hand:
            return _settled(manifest, run_journal)
        if run_journal.unfinished:
            _end_what_is_left(request.target, manifest)
        return roll_back(request, manifest, run_journal)


def _require_meant(request: RestoreRequest, manifest: Manifest) -> None:
    """
    :raises BadRequest: the backup is of another database than the one that was named.
    """
    name = manifest.identity.name
    if request.new_database == name:
        raise BadRequest(
            f"{name} is the database that was backed up: it is never restored over.",
            remedy="Choose another name for new_database, or leave it out to roll the database back.",
        )
    if not request.new_database and request.target.dbname != name:
        raise BadRequest(
            f"The backup {request.backup_dir} is of the database {name}, not of {request.target.dbname or 'none'}.",
            remedy="Name a backup of this very database.",
        )


def _settled(manifest: Manifest, run_journal: Journal) -> Restored:
    if run_journal.unfinished:
        run_journal.append("settled")
    return Restored("not_needed", manifest.identity.name, "", "", (), 0, {}, 0.0)


def _end_what_is_left(target: Target, manifest: Manifest) -> None:
    """A process that was killed leaves its psql at work, which would commit after the look at the database."""
    with session(target.maintenance, WRITING, "rollback") as server:
        for name, _is_open in server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,)):
            cutover.end_sessions(server, name)


def to_new(request: RestoreRequest, manifest: Manifest, name: str) -> Restored:
    """A restored, verified database under a name that was free."""
    started = time.monotonic()
    source = _source(request, manifest)
    method, failures = _restore_beside(request.target, source, name)
    with session(request.target.maintenance, WRITING, "restore") as server, server.transaction():
        server.execute(statement("COMMENT ON DATABASE {name} IS NULL", name=identifier(name)))
        for change in properties.statements(name, manifest.properties):
            server.execute(change)
    return Restored("restored", name, method, "", failures, 0, manifest.fingerprint.rows, _since(started))


def roll_back(request: RestoreRequest, manifest: Manifest, run_journal: Journal | None) -> Restored:
    """Look first; restore only if the live database is not the one of the backup any more.

    The caller holds the run's lock.

    :raises PgsafeError: nothing could be put in the live database's place; it is open again, as it was left.
    """
    started = time.monotonic()
    live = _find(request.target, manifest)
    if live.done and not request.finish:
        _require_as_restored(request.target, manifest)
    if live.done or _untouched(request.target, live, manifest):
        kept = _kept_name(manifest) if live.done else ""
        _note(run_journal, "rolled_back" if live.done else "unchanged", kept=kept)
        rows = manifest.fingerprint.rows
        return Restored("not_needed", manifest.identity.name, "", kept, (), 0, rows, _since(started))
    _note(run_journal, "rolling_back")
    try:
        restored = _replace(request, manifest, live, started)
    except PgsafeError as error:
        _note(run_journal, "rollback_failed", error=error.what)
        raise
    _note(run_journal, "rolled_back", kept=restored.kept, method=restored.method, failures=list(restored.failures))
    return restored


def _note(run_journal: Journal | None, event: str, **facts: object) -> None:
    if run_journal is not None:
        run_journal.append(event, **facts)


def _find(target: Target, manifest: Manifest) -> _Live:
    """The database of the backup, by its OID, whatever it is called now; opened if an earlier try left it closed."""
    with session(target.maintenance, purpose="rollback") as server:
        here = identities.read(server, target.maintenance_db)
        identities.require_same(manifest.identity, here, same_database=False)
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
        namesake = server.rows(queries.DATABASE_OID, (manifest.identity.name,))
    name, is_open = found[0] if found else (None, True)
    if name == _kept_name(manifest):
        return _Live(name, done=True)
    if namesake and name != manifest.identity.name:
        raise _replaced_since(manifest, name)
    if name and not is_open:
        cutover.reopen(target, name)
    return _Live(name, done=False)


def _replaced_since(manifest: Manifest, name: str | None) -> Refused:
    where = f"is kept as {name}" if name else "is gone"
    return Refused(
        f"{manifest.identity.name} is another database now than the one that was backed up, which {where}.",
        remedy="To have the backup beside it, name a new_database. If a run is said to be unfinished and the database "
        "is right as it is, record that with settled_by_hand (pg_migrate_settled_by_hand=true).",
    )


def _require_as_restored(target: Target, manifest: Manifest) -> None:
    """
    :raises Refused: the database was rolled back to this backup before, and somebody has changed it since.
    """
    live = target.database(manifest.identity.name)
    found = fingerprint.of_database(live, like=manifest.fingerprint, purpose="look")
    differing = fingerprint.differences(manifest.fingerprint, found)
    if differing:
        raise Refused(
            f"{live.dbname} was rolled back to this backup before, and was changed since: {'; '.join(differing[:5])}.",
            remedy="To have the backup beside it, name a new_database.",
        )


def _kept_name(manifest: Manifest) -> str:
    return names.beside(manifest.identity.name, "failed", manifest.run_id)


def _untouched(target: Target, live: _Live, manifest: Manifest) -> bool:
    """Whether the live database still is what the backup holds."""
    if live.name != manifest.identity.name:
        return False
    before, here = manifest.fingerprint, target.database(live.name)
    found = fingerprint.of_database(here, generation=SOURCE, like=before, purpose="look")
    return not fingerprint.differences(manifest.fingerprint, found)


def _replace(request: RestoreRequest, manifest: Manifest, live: _Live, started: float) -> Restored:
    source = _source(request, manifest)
    beside = names.beside(manifest.identity.name, "restored", manifest.run_id)
    kept = _kept_name(manifest) if live.name else ""
    with _closed(request.target, live.name) as ended:
        method, failures = _restore_beside(request.target, source, beside)
        swap = cutover.Swap(manifest.identity.name, live.name, kept, beside)
        mark = f"pgsafe: replaced by the rollback of the run {manifest.run_id}; drop it when nobody needs it"
        try:
            cutover.swap(request.target, swap, manifest.properties, mark)
        except PgsafeError as error:
            _drop_after(request.target, beside, error)
            raise
    rows = manifest.fingerprint.rows
    return Restored("rolled_back", manifest.identity.name, method, kept, failures, ended, rows, _since(started))


@contextmanager
def _closed(target: Target, name: str | None) -> Iterator[int]:
    """The live database closed for the time of the block; opened again if the block fails."""
    if name is None:
        yield 0
        return
    try:
        yield cutover.close(target, name)
    except BaseException as error:
        _open_again(target, name, error)
        raise


def _open_again(target: Target, name: str, error: BaseException) -> None:
    try:
        cutover.reopen(target, name)
    except PgsafeError as undo:
        if isinstance(error, PgsafeError):
            error.joined(f"{name} could not be opened again: {undo.what}")
        return
    if isinstance(error, PgsafeError):
        error.with_state(f"{name} is open and was left as it is; it was not replaced.")


def _source(request: RestoreRequest, manifest: Manifest) -> copies.Source:
    with session(request.target.maintenance, purpose="restore") as server:
        tools = client_tools.find(request.target, server.version // 10000)
    return copies.Source(request.backup_dir, manifest, tools, request.jobs)


def _restore_beside(target: Target, source: copies.Source, name: str) -> tuple[str, tuple[str, ...]]:
    """A verified copy from the first format that gives one; which one that was, and why the others did not.

    :raises PgsafeError: no format gave one; every half-restored copy was dropped.
    """
    failures: list[str] = []
    for method, kind, load in _METHODS:
        try:
            _attempt(target, source, name, kind, load)
            return method, tuple(failures)
        except (CommandFailed, FileFailed, QueryFailed, VerificationFailed) as error:
            failures.append(f"{method}: {error.what}")
    raise Refused(
        "Neither the archive nor the SQL script could be restored. " + " ".join(failures),
        remedy="Read the reasons, mend them (disk, roles, extensions), and run the rollback again.",
    )


_METHODS: tuple[tuple[str, str, Callable[[Target, str, copies.Source], None]], ...] = (
    ("archive", "dump", copies.load_archive),
    ("script", "sql", copies.load_script),
)


def _attempt(
    target: Target, source: copies.Source, name: str, kind: str, load: Callable[[Target, str, copies.Source], None]
) -> None:
    file = source.manifest.file(kind)
    if file is None:
        raise FileFailed("The backup does not hold it.")
    if files.sha256_of(source.directory / file.name).sha256 != file.sha256:
        raise VerificationFailed(f"{file.name} is not the file that was written: its SHA-256 differs.")
    copies.create(target, name, source)
    try:
        load(target, name, source)
        copies.analyze(target, name)
        copies.compare(target, name, source)
    except PgsafeError as error:
        _drop_after(target, name, error)
        raise
    except BaseException:
        copies.drop(target, name)
        raise


def _drop_after(target: Target, name: str, error: PgsafeError) -> None:
    try:
        copies.drop(target, name)
    except PgsafeError as undo:
        error.joined(f"the copy {name} could not be dropped: {undo.what}")


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
