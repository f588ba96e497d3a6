# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recover: what earlier runs left of a database is finished or undone, before anything else is done to it.

A run that had not begun to migrate is undone: its fence is lifted, its copies are dropped. One that had is finished,
forwards where its migration was verified, else by its rollback. A run that rests between two steps is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    access_probe,
    copies,
    fence,
    fence_mark,
    finish,
    hold,
    login_triggers,
    queries,
    rollback,
    run_lock,
    whereabouts,
)
from ansible_collections.pgsafe.migration.plugins.module_utils import identity as identities
from ansible_collections.pgsafe.migration.plugins.module_utils import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.database import WRITING, session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal, all_runs, of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Identity, Target

# As long as a person may take to confirm, and a little more.
PATIENCE_SECONDS = 1200


@dataclass(frozen=True)
class RecoverRequest:
    """:param run_id: a run to finish or undo even if it rests between two steps just now.
    :param patience: seconds that a run may rest before it is taken for dead.
    :param accept_reason: why the database of the held run ``run_id`` is opened as it was migrated.
    :param by_person: a person has named ``run_id``, and so says that this is its server, also after a failover.
    """

    target: Target
    backup_root: Path
    jobs: int = 2
    run_id: str = ""
    patience: int = PATIENCE_SECONDS
    accept_reason: str = ""
    by_person: bool = True


@dataclass(frozen=True)
class Recovered:
    """:param done: what was done, or would be, a line each.
    :param kept: databases that rollbacks replaced and kept, with their sizes in bytes.
    :param runs: those that were finished or undone, and the newest one of the database, however it has ended.
    """

    done: tuple[str, ...]
    kept: dict[str, int]
    runs: tuple[Journal, ...] = ()


def plan(request: RecoverRequest) -> Recovered:
    """What would be done, by reading alone.

    :raises Refused: another run is at work on the database, rests between two steps, or waits for a person's word.
    """
    _require_one_run(request)
    done = []
    _require_ours(request)
    for run_journal in _left(request):
        _require_dead(request, run_journal)
        done.append(f"The run {run_journal.run_id} would be {'finished' if run_journal.state.unfinished else 'undone'}")
    return Recovered(tuple(done), _kept(request.target))


def _require_one_run(request: RecoverRequest) -> None:
    """
    :raises BadRequest: something is to be accepted, and not said of which run.
    :raises Refused: there is nothing to accept.
    """
    if not request.accept_reason:
        return
    if not request.run_id:
        raise BadRequest("A migration is to be accepted, and no run is named.", remedy="Give its run_id.")
    if not any(of.run_id == request.run_id and of.state.on_hold for of in _left(request)):
        raise Refused(f"The run {request.run_id} of {request.target.dbname} is not held: there is nothing to accept.")


def run(request: RecoverRequest) -> Recovered:
    """
    :raises Refused: another run is at work on the database, rests between two steps, or waits for a person's word.
    :raises PgsafeError: a run could not be finished; the message says how its database was left.
    """
    _require_one_run(request)
    request = replace(request, target=login_triggers.silenced(request.target))
    _require_ours(request)
    runs = tuple(_left(request))
    done = [_finished(request, run_journal) for run_journal in runs]
    done += [f"Dropped the copy {name} that an interrupted run had left" for name in _swept(request)]
    return Recovered(tuple(done), _kept(request.target), (*runs, *_newest(request, runs)))


def _newest(request: RecoverRequest, known: tuple[Journal, ...]) -> list[Journal]:
    """What a guard has finished by itself, its controller may not have lived to see."""
    runs = all_runs(request.backup_root) if request.backup_root.is_dir() else []
    of_database = [of for of in runs if of.database == request.target.dbname]
    return [of for of in of_database[-1:] if of.run_id not in [run_journal.run_id for run_journal in known]]


def _require_ours(request: RecoverRequest) -> None:
    """
    :raises Refused: a run of another host, or of another backup root, is at work on the database, or was.
    """
    holder, database = _holder(request), request.target.dbname
    if holder and not (holder.run_id and of_run(request.backup_root, holder.run_id)):
        raise run_lock.refused(database, holder)
    with session(request.target.maintenance, purpose="recover") as server:
        marks = fence_mark.found(server, database)
    for name, mark in marks.items():
        run_journal = of_run(request.backup_root, fence_mark.run_id(mark))
        if run_journal is None or run_journal.database != database or not run_journal.state.fenced:
            raise fence_mark.refused(database, name, mark)


def _holder(request: RecoverRequest) -> run_lock.Holder | None:
    with session(request.target.maintenance, purpose="recover") as server:
        found = server.rows(queries.DATABASE_OID, (request.target.dbname,))
        return run_lock.holder(server, int(found[0][0])) if found else None


def _left(request: RecoverRequest) -> Iterator[Journal]:
    """Runs of this very database that did not come to their end."""
    if not request.backup_root.is_dir():
        return
    for run_journal in all_runs(request.backup_root):
        if run_journal.database == request.target.dbname and _is_left(run_journal) and _is_here(request, run_journal):
            yield run_journal


def _is_left(run_journal: Journal) -> bool:
    """A failed rollback has opened the database: what to do with it then is for a person to say."""
    state = run_journal.state
    if state.unfinished:
        return state.fenced or state.accepted is not None
    return state.fenced or state.ready_copy is not None


def _is_here(request: RecoverRequest, run_journal: Journal) -> bool:
    """Several servers may share a backup root, and have databases of one name."""
    identity = _identity(run_journal)
    if identity is None:
        return False
    with session(request.target.maintenance, purpose="recover") as server:
        here = identities.read(server, request.target.maintenance_db)
    return here.system_identifier == identity.system_identifier


def _identity(run_journal: Journal) -> Identity | None:
    raised = fence.recorded(run_journal)
    if raised:
        return raised.identity
    directory = Path(run_journal.backup_dir)
    return manifests.read(directory).identity if (directory / manifests.MANIFEST).exists() else None


def _require_dead(request: RecoverRequest, run_journal: Journal) -> None:
    """
    :raises Refused: somebody works on the run, or may be about to, or is to decide what becomes of it.
    """
    if run_journal.alive:
        raise Refused(
            f"The run {run_journal.run_id} is at work on {request.target.dbname} just now.",
            remedy="Wait for it to end.",
        )
    if run_journal.state.on_hold and not _is_accepted(request, run_journal):
        raise hold.undecided(run_journal)
    newest = run_journal.entries()[-1]
    if request.run_id == run_journal.run_id or not run_journal.state.resting:
        return
    rested = datetime.now(timezone.utc) - newest.moment
    sentry = _holder(request)
    if rested.total_seconds() < request.patience or (sentry and sentry.run_id == run_journal.run_id):
        raise Refused(
            f"The run {run_journal.run_id} has fenced {request.target.dbname} and waits for its next step since "
            f"{newest.time}; perhaps somebody is being asked to confirm it.",
            remedy="Wait for it to end. If it is dead: ansible-playbook -i INVENTORY -l HOST "
            f"pgsafe.migration.recover -e pg_migrate_run_id={run_journal.run_id}",
        )


def _finished(request: RecoverRequest, run_journal: Journal) -> str:
    _require_dead(request, run_journal)
    named = request.run_id == run_journal.run_id
    with run_journal.held():
        if _is_accepted(request, run_journal):
            hold.accept(request.target, run_journal, request.accept_reason)
        warnings = finish.forwards(request.target, run_journal, after_failover=named and request.by_person)
        if warnings is not None:
            return "; ".join((_opened(request, run_journal), *warnings))
        if not named:
            _require_fenced(request, run_journal)
        return _rolled_back(request, run_journal)


def _opened(request: RecoverRequest, run_journal: Journal) -> str:
    """What was done to a run that only had to be opened."""
    verdict = run_journal.state.accepted
    if verdict is None:
        return f"Undone: the run {run_journal.run_id}, which had not begun to migrate"
    why = f": {request.accept_reason}" if request.accept_reason else ""
    return f"Finished: the run {run_journal.run_id}, whose verdict was {str(verdict).replace('_', ' ')}{why}"


def _require_fenced(request: RecoverRequest, run_journal: Journal) -> None:
    """
    :raises Refused: nothing has kept others from writing since the run died, and a rollback takes that back.
    """
    raised = fence.recorded(run_journal)
    if raised and raised.kind == fence.NONE:
        raise Refused(
            f"The run {run_journal.run_id} was interrupted while it migrated {request.target.dbname} behind no fence, "
            "and others may have written since; a rollback keeps that beside only.",
            "The database is as the interrupted migration left it.",
            "To roll it back: ansible-playbook -i INVENTORY -l HOST pgsafe.migration.recover "
            f"-e pg_migrate_run_id={run_journal.run_id} If it is right as it is: pgsafe.migration.rollback "
            f"-e pg_migrate_backup_dir={run_journal.backup_dir} -e pg_migrate_settled_by_hand=true",
        )


def _is_accepted(request: RecoverRequest, run_journal: Journal) -> bool:
    """Whether a person has said that the migration of this held run is to stay."""
    return bool(request.accept_reason) and request.run_id == run_journal.run_id and run_journal.state.on_hold


def _rolled_back(request: RecoverRequest, run_journal: Journal) -> str:
    directory = Path(run_journal.backup_dir)
    asked = rollback.RollbackRequest(request.target, directory, request.jobs, finish=True)
    restored = finish.backwards(asked, manifests.read(directory), run_journal)
    kept = f"; the failed database is kept as {restored.kept}" if restored.kept else ""
    return f"Rolled back: the run {run_journal.run_id}, which was interrupted while it migrated{kept}"


def _swept(request: RecoverRequest) -> Iterator[str]:
    """Copies of runs of this backup root that have ended, or that nobody alive works on and nobody is in."""
    database = request.target.dbname
    runs = all_runs(request.backup_root) if request.backup_root.is_dir() else []
    of = {name: run_journal for run_journal in runs for name in copies.of_run(database, run_journal.run_id)}
    with session(request.target.maintenance, WRITING, "recover") as server:
        found = server.rows(queries.COPIES, (list(of),))
        probes = access_probe.left(server, database)
    for name in probes:
        copies.drop(request.target, name)
        yield name
    for name, comment, sessions in found:
        run_journal = of[name]
        ours = copies.is_of_run(name, comment, database, run_journal.run_id)
        if ours and not sessions and not copies.recorded_ready(run_journal) and not run_journal.alive:
            copies.drop(request.target, name)
            yield name


def _kept(target: Target) -> dict[str, int]:
    prefix = copies.kept_mark("")
    with session(target.maintenance, purpose="recover") as server:
        found = server.rows(queries.KEPT, (prefix,))
    return {
        name: int(size)
        for name, comment, size in found
        if name in whereabouts.kept_names(target.dbname, comment[len(prefix) :])
    }
