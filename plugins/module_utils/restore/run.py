# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore: beside, verified, then cut over by rename; the live database is never dropped or written over.

A rollback puts the restored database in the place of the failed one and keeps that one. A restore to a new name
leaves the live database alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..copies import copy as copies
from ..copies import lock as copy_lock
from ..copies import losses, sources
from ..errors import BadRequest, Refused
from ..fence import verdict_counters, whereabouts
from ..journal.journal import Journal, of_run, reading
from ..journal.verdicts import RestoreState
from ..model import Target
from ..ports import signals
from ..ports.database import WRITING, identifier, session, statement
from ..postgres import login_triggers, properties, queries
from ..preflight.restore_checks import run as restore_checks
from ..preflight.restore_checks.check import Intent
from . import forecast as restore_forecast
from . import history, recover
from .forecast import Forecast
from .history import Undone
from .request import Decision
from .rollback import Restored, RollbackRequest


@dataclass(frozen=True)
class RestoreRequest:
    """:param new_database: the name to restore to; None for a rollback of the live database.
    :param waived: by the name of a check, why a person accepts its errors.
    :param sequences: as for :class:`rollback.RollbackRequest`.
    :param free_bytes: what a person says is free for the copy, where it cannot be seen.
    :param by_link: the backup was named by a link such as ``latest``, so the caller need not know which one it is.
    :param most_rows: as for :class:`rollback.RollbackRequest`.
    """

    target: Target
    backup_dir: Path
    new_database: str | None
    jobs: int
    waived: Mapping[str, str]
    free_bytes: int | None
    sequences: str
    by_link: bool
    most_rows: int | None

    @property
    def rollback(self) -> RollbackRequest:
        """By hand it may be broken off."""
        return RollbackRequest(
            self.target,
            self.backup_dir,
            self.jobs,
            sequences=self.sequences,
            interruptible=True,
            most_rows=self.most_rows,
        )


@dataclass(frozen=True)
class RestorePlan:
    """:param forecast: what it costs and what stands in its way; None when there is nothing to do.
    :param undone: the migrations that it undoes; None for a restore to a new database.
    :param not_given_back: in what the database would not be as it was before, a line each.
    :param copy: the verified copy that would take the place at once; empty when the archive would be restored.
    :param no_copy: why a copy that was retained cannot be used, a line.
    :param written: since the verdict of the run, a line each.
    """

    database: str
    backup_bytes: int
    database_bytes: int
    sessions: int
    kept: str
    state: RestoreState
    forecast: Forecast | None = None
    undone: Undone | None = None
    not_given_back: tuple[str, ...] = ()
    copy: str = ""
    no_copy: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


def plan(request: RestoreRequest) -> RestorePlan:
    """What a restore would do, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    manifest = manifests.read(request.backup_dir)
    _require_meant(request, manifest)
    undone = _undone(request, manifest)
    request = _silenced(request)
    database = request.new_database or manifest.identity.name
    with session(request.target.maintenance, purpose="restore") as server:
        sessions = server.rows(queries.SESSIONS, (database, [server.pid]))
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
    done = bool(found) and found[0][0] == whereabouts.kept_name(manifest) and not request.new_database
    run_journal = None if done else _journal_of_rollback(request, manifest)
    copy, no_copy = _copy_of(request.target, run_journal)
    return RestorePlan(
        database=database,
        backup_bytes=manifest.bytes,
        database_bytes=manifest.database_bytes,
        sessions=len(sessions),
        kept="" if request.new_database else whereabouts.kept_name(manifest),
        state=_state(request, done),
        forecast=None if done else _forecast(request, manifest),
        undone=undone,
        not_given_back=losses.known(manifest, of_run(request.backup_dir.parent.parent, manifest.run_id)),
        copy=copy,
        no_copy=no_copy,
        written=_written(request.target, run_journal),
    )


def _state(request: RestoreRequest, done: bool) -> RestoreState:
    if done:
        return RestoreState.NOT_NEEDED
    return RestoreState.RESTORED if request.new_database else RestoreState.ROLLED_BACK


def _journal_of_rollback(request: RestoreRequest, manifest: Manifest) -> Journal | None:
    return None if request.new_database else of_run(request.backup_dir.parent.parent, manifest.run_id)


def _copy_of(target: Target, run_journal: Journal | None) -> tuple[str, tuple[str, ...]]:
    """The verified copy that a rollback would use, or why it could not."""
    ready = copies.recorded_ready(run_journal) if run_journal else None
    if ready is None:
        return "", ()
    try:
        copies.require_ready(target, ready)
    except Refused as error:
        return "", (error.what,)
    return ready.name, ()


def _written(target: Target, run_journal: Journal | None) -> tuple[str, ...]:
    """Of an open database; a run that has not ended has closed it."""
    if run_journal is None or run_journal.state.fenced:
        return ()
    found = verdict_counters.written_since(target, run_journal)
    return found.lines if found else ()


def _undone(request: RestoreRequest, manifest: Manifest) -> Undone | None:
    """
    :raises Refused: the backup was named by a link, and a rollback to it undoes no migration.
    """
    if request.new_database:
        return None
    root, database = request.backup_dir.parent.parent, manifest.identity.name
    undone = history.undone_by(root, database, manifest.run_id)
    if request.by_link:
        history.require_undoing(undone, database, f"The link points at {request.backup_dir}.")
    return undone


def _silenced(request: RestoreRequest) -> RestoreRequest:
    return replace(request, target=login_triggers.silenced(request.target))


def _forecast(request: RestoreRequest, manifest: Manifest) -> Forecast:
    if request.new_database:
        intent = _intent(request, manifest, None, (request.new_database,))
    else:
        run_journal = of_run(request.backup_dir.parent.parent, manifest.run_id)
        intent = _rollback_intent(request, manifest, run_journal)
    return restore_forecast.foresee(request.target, intent, request.backup_dir)


def _rollback_intent(request: RestoreRequest, manifest: Manifest, run_journal: Journal | None) -> Intent:
    """What the run itself has left in the way, its rollback clears away; a verified copy has its room already."""
    with session(request.target.maintenance, purpose="restore") as server:
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
    names = (whereabouts.restored_name(manifest), whereabouts.kept_name(manifest))
    intent = _intent(request, manifest, found[0][0] if found else None, names)
    cleared = ("prepared_transactions",) if run_journal and run_journal.state.unfinished else ()
    ready = ("data_disk", "wal_disk") if _copy_of(request.target, run_journal)[0] else ()
    known = {**dict.fromkeys(cleared, "the rollback ends it"), **dict.fromkeys(ready, "the verified copy is there")}
    return replace(intent, waived={**known, **intent.waived})


def _intent(request: RestoreRequest, manifest: Manifest, replaces: str | None, creates: tuple[str, ...]) -> Intent:
    globals_file = str(request.backup_dir / manifests.GLOBALS)
    return Intent(manifest, replaces, creates, globals_file, request.free_bytes, request.waived)


def _require_possible(target: Target, intent: Intent) -> None:
    """
    :raises Refused: a check found an error; nothing was changed.
    """
    restore_checks.require_none(restore_checks.problems(restore_checks.look(target, intent)))


def run(request: RestoreRequest) -> Restored:
    """Restore to a new database, or roll the live one back, recording it in the journal of the backup's run.

    :raises PgsafeError: it could not be done; the live database is as it was before the call, and open, unless it was
        closed by a run that is still to be rolled back.
    """
    manifest = manifests.read(request.backup_dir)
    _require_meant(request, manifest)
    request = _silenced(request)
    if request.new_database:
        _require_possible(request.target, _intent(request, manifest, None, (request.new_database,)))
        with reading(request.backup_dir, manifest.run_id):
            return to_new(request, manifest, request.new_database)
    run_journal = of_run(request.backup_dir.parent.parent, manifest.run_id)
    if run_journal is None:
        return _by_hand(request, manifest, None)
    with run_journal.held():
        return _by_hand(request, manifest, run_journal)


def run_of(request: RestoreRequest) -> Journal | None:
    """The run that the backup is of, where its journal is beside it.

    :raises PgsafeError: it is no backup, or not of the database that was named.
    """
    manifest = manifests.read(request.backup_dir)
    _require_meant(request, manifest)
    _undone(request, manifest)
    return of_run(request.backup_dir.parent.parent, manifest.run_id)


def _by_hand(request: RestoreRequest, manifest: Manifest, run_journal: Journal | None) -> Restored:
    """The checks of a restore run first."""
    if not whereabouts.is_done(request.target, manifest):
        _require_possible(request.target, _rollback_intent(request, manifest, run_journal))
    run_of_backup = recover.Run(request.target, request.rollback, run_journal)
    done = recover.finish(run_of_backup, Decision.ROLL_BACK).restored
    if done is None:
        raise Refused(f"Nothing was rolled back to {request.backup_dir}.")
    if done.state is RestoreState.NOT_NEEDED:
        undone, database = _undone(request, manifest), manifest.identity.name
        if undone is not None:
            history.require_undoing(undone, database, f"Nothing was rolled back: {database} is as the backup holds it.")
    return done


def _require_meant(request: RestoreRequest, manifest: Manifest) -> None:
    """
    :raises BadRequest: the backup is of another database than the one that was named, or the new one cannot be made.
    """
    name = manifest.identity.name
    if request.new_database is not None:
        _require_new(request.new_database, name)
        return
    if request.target.dbname != name:
        raise BadRequest(
            f"The backup {request.backup_dir} is of the database {name}, not of {request.target.dbname or 'none'}.",
            remedy="Name a backup of this very database.",
        )
    whereabouts.require_elsewhere(request.target)


def _require_new(name: str, live: str) -> None:
    """An empty name, as an unset variable of a shell gives it, asks for no rollback of the live database.

    :raises BadRequest: it is the name of the live database, or one that client programs refuse.
    """
    if not name.strip() or any(character in name for character in "\0\r\n"):
        raise BadRequest(
            f"new_database is {name!r}, which is not the name of a database.",
            remedy="Give new_database a name, or leave it out to roll the database back.",
        )
    if name == live:
        raise BadRequest(
            f"{name} is the database that was backed up: it is never restored over.",
            remedy="Choose another name for new_database, or leave it out to roll the database back.",
        )


def to_new(request: RestoreRequest, manifest: Manifest, name: str) -> Restored:
    """A restored, verified database under a name that was free."""
    started = time.monotonic()
    source = sources.of(request.target, request.backup_dir, manifest, request.jobs)
    with copy_lock.held(request.target, name, "restore"):
        with signals.raised("The restore"):
            tried = sources.restored(request.target, source, name)
        refused = _handed_over(request.target, name, manifest)
    warnings = (*properties.not_given(refused), *copies.fill(request.target, name, source, tried.views))
    seconds, rows = round(time.monotonic() - started, 3), manifest.fingerprint.rows
    return Restored(RestoreState.RESTORED, name, tried.method, "", tried.failures, 0, rows, seconds, warnings=warnings)


def _handed_over(target: Target, name: str, manifest: Manifest) -> list[str]:
    """A database like any other one from now on; what it could not be given, a line each."""
    # A template could not be dropped again, and this is a copy to look into.
    wanted = replace(manifest.properties, template=False)
    with session(target.maintenance, WRITING, "restore") as server, server.transaction():
        server.execute(statement("COMMENT ON DATABASE {name} IS NULL", name=identifier(name)))
        return [why for wish in properties.statements(name, wanted) if (why := server.attempt(wish))]
