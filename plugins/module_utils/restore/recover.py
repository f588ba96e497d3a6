# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recover: bring a run whose process is gone to its end, by one implementation for every caller.

The worker of a guard, the watchdog, the rescue of a play, the next run, a person, and a rollback by hand call
:func:`finish`. Forwards it only opens the database; backwards it ends what the migration started before it looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from .. import playbooks
from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..errors import BadRequest, Refused
from ..fence import hold
from ..fence import run as fence
from ..journal.events import Event
from ..journal.journal import Journal, of_run
from ..journal.state import end_of
from ..model import Identity, Target
from ..ports import commands
from ..ports.database import WRITING, session
from ..postgres import cutover, login_triggers, queries
from ..postgres import identity as identities
from . import kept, leftover_runs, rollback
from .request import Decision, RecoverRequest
from .rollback import Restored, RollbackRequest

# As long as a watchdog may take to start, or to come back to a server that was restarted.
_STARTING_SECONDS = 30


@dataclass(frozen=True)
class Run:
    """A run to be brought to its end; the caller holds its lock.

    :param rollback: how it is rolled back, if that is what it comes to.
    :param journal: None for a backup without one.
    :param reason: why, for the journal.
    :param after_failover: a person has named the run, and so says that this is its server, whatever its timeline.
    """

    target: Target
    rollback: RollbackRequest
    journal: Journal | None
    reason: str = ""
    after_failover: bool = False

    @property
    def manifest(self) -> Manifest:
        return manifests.read(self.rollback.backup_dir)


@dataclass(frozen=True)
class Finished:
    """:param restored: what a rollback did, None where the run went forwards.
    :param sessions_ended: sessions that were still in the database of a run that was rolled back.
    :param warnings: what went wrong without changing the verdict.
    """

    restored: Restored | None = None
    sessions_ended: int = 0
    warnings: tuple[str, ...] = ()


def finish(run: Run, decision: Decision) -> Finished:
    """Bring a run to its end.

    :raises Refused: the run waits for a person's decision, and this is not it.
    :raises PgsafeError: it could not be done; the message says how the database was left.
    """
    return _WAYS[decision](run)


def _by_journal(run: Run) -> Finished:
    if run.journal is None:
        return _backwards(run)
    state = run.journal.state
    if state.on_hold:
        raise hold.undecided(run.journal)
    if state.given_up:
        raise _given_up(run.journal)
    return _backwards(run) if state.unfinished and state.accepted is None else _forwards(run, run.journal)


def _forwards(run: Run, run_journal: Journal) -> Finished:
    """Open the database of a run that has its verdict, or never began to migrate, without a look at it.

    Others may have written since the opening, so a look could take that for the migration's.
    """
    state = run_journal.state
    warnings = rollback.let_go(run.target, run_journal, run.after_failover)
    if state.unfinished and state.accepted:
        run_journal.append(end_of(state.accepted))
    return Finished(warnings=warnings)


def _backwards(run: Run) -> Finished:
    """Roll the database back to the run's backup; what the migration left at work is ended first."""
    manifest, ended = run.manifest, 0
    if run.journal and run.journal.state.unfinished:
        ended = _end_what_is_left(run.target, run.journal, manifest.identity)
    restored = rollback.roll_back(run.rollback, manifest, run.journal)
    return Finished(restored, ended, restored.warnings)


def _accepted(run: Run) -> Finished:
    run_journal = _with_journal(run)
    hold.accept(run.target, run_journal, run.reason)
    return _forwards(run, run_journal)


def _resolved(run: Run) -> Finished:
    """What the migration left at work must not write to the database again."""
    run_journal = _with_journal(run)
    unfinished = run_journal.state.unfinished
    if unfinished:
        _end_what_is_left(run.target, run_journal, run.manifest.identity, after_failover=True)
    warnings = rollback.let_go(run.target, run_journal, after_failover=True)
    if unfinished:
        run_journal.append(Event.RESOLVED, reason=run.reason)
    return Finished(warnings=warnings)


_WAYS: Mapping[Decision, Callable[[Run], Finished]] = {
    Decision.FINISH: _by_journal,
    Decision.ROLL_BACK: _backwards,
    Decision.ACCEPT: _accepted,
    Decision.MARK_RESOLVED: _resolved,
}


def _with_journal(run: Run) -> Journal:
    if run.journal is None:
        raise Refused(f"The run of {run.rollback.backup_dir} has no journal beside its backup.")
    return run.journal


def _given_up(run_journal: Journal) -> Refused:
    return Refused(
        f"The rollback of the run {run_journal.run_id} has failed, and {run_journal.database} was opened as the failed "
        "migration left it; others may have written since.",
        remedy=f"Roll it back by hand: {playbooks.rolling_back(run_journal.backup_dir)}",
    )


def _end_what_is_left(target: Target, run_journal: Journal, mine: Identity, after_failover: bool = False) -> int:
    """End the processes that a migration started, then the sessions of its database; returns the number of sessions.

    The processes come first, because they would connect again. Both would write after the look at the database.

    :param mine: the database, whose name a migration may have changed.
    :raises Refused: this is another server, or a session could not be ended.
    """
    commands.end_marked(run_journal.directory)
    with session(target.maintenance, WRITING, "rollback") as server:
        now = identities.read(server, target.maintenance_db)
        here = replace(mine, timeline=now.timeline) if after_failover else mine
        identities.require_same(here, now, same_database=False)
        found = server.rows(queries.NAME_AND_OPEN, (mine.oid,))
        return sum(cutover.end_sessions(server, name) for name, _is_open in found)


@dataclass(frozen=True)
class Recovered:
    """:param done: what was done, or would be, a line each.
    :param kept: databases that rollbacks replaced and kept, with their sizes in bytes.
    :param runs: those that were finished or undone, and the newest one of the database, however it has ended.
    :param warnings: what a person ought to know of it.
    """

    done: tuple[str, ...]
    kept: dict[str, int]
    runs: tuple[Journal, ...] = ()
    warnings: tuple[str, ...] = ()


def plan(request: RecoverRequest) -> Recovered:
    """What would be done, by reading alone.

    :raises Refused: another run is at work on the database, rests between two steps, or waits for a person's decision.
    """
    _require_decision(request)
    leftover_runs.require_known(request.target, request.backup_root)
    done = []
    for run_journal in _runs(request):
        _require_dead(request, run_journal)
        done.append(f"The run {run_journal.run_id} would be {'finished' if run_journal.state.unfinished else 'undone'}")
    due = kept.copies_due(request.target, request.backup_root)
    done += [f"The copy {of.database.name} would be dropped: {of.reason}" for of in due]
    return Recovered(tuple(done), leftover_runs.kept(request.target))


def run(request: RecoverRequest) -> Recovered:
    """
    :raises Refused: another run is at work on the database, rests between two steps, or waits for a person's decision.
    :raises PgsafeError: a run could not be finished; the message says how its database was left.
    """
    _require_decision(request)
    request = replace(request, target=login_triggers.silenced(request.target))
    leftover_runs.require_known(request.target, request.backup_root)
    runs = tuple(_runs(request))
    found = [_recovered(request, run_journal) for run_journal in runs]
    swept = leftover_runs.sweep(request.target, request.backup_root)
    done = [line for line, _warnings in found]
    done += [f"Dropped the copy {name} that an interrupted run had left" for name in swept]
    over = kept.drop_copies(request.target, request.backup_root)
    done += [f"Dropped the copy {of.database.name}: {of.reason}" for of in over]
    newest = leftover_runs.newest(request.target, request.backup_root)
    return Recovered(
        tuple(done),
        leftover_runs.kept(request.target),
        (*runs, *[of for of in newest if of.run_id not in [known.run_id for known in runs]]),
        tuple(warning for _line, warnings in found for warning in warnings),
    )


def _require_decision(request: RecoverRequest) -> None:
    """
    :raises BadRequest: a person's decision names no run, or no reason.
    :raises Refused: the run is not one that this can be decided of.
    """
    if request.decision is Decision.FINISH:
        return
    if not request.run_id:
        raise BadRequest(f"The decision {request.decision} names no run.", remedy="Give its run_id.")
    if not request.reason.strip():
        raise BadRequest(f"The decision {request.decision} needs a reason, for the journal.", remedy="Give a reason.")
    held = any(of.run_id == request.run_id and of.state.on_hold for of in _runs(request))
    if request.decision is Decision.ACCEPT and not held:
        raise Refused(f"The run {request.run_id} of {request.target.dbname} is not held: there is nothing to accept.")


def _runs(request: RecoverRequest) -> list[Journal]:
    """What is left of the database's runs, and the one that is named though its rollback failed."""
    left = list(leftover_runs.found(request.target, request.backup_root))
    if not request.run_id or request.run_id in [of.run_id for of in left]:
        return left
    named = of_run(request.backup_root, request.run_id)
    mine = named is not None and named.database == request.target.dbname and named.state.unfinished
    return [*left, named] if named and mine else left


def _require_dead(request: RecoverRequest, run_journal: Journal) -> None:
    """
    :raises Refused: a process works on the run, or may be about to, or a person must decide what becomes of it.
    """
    if run_journal.alive:
        raise Refused(
            f"The run {run_journal.run_id} is at work on {request.target.dbname} just now.",
            remedy="Wait for it to end.",
        )
    named = request.run_id == run_journal.run_id
    state = run_journal.state
    if state.on_hold and not (named and request.decision is not Decision.FINISH):
        raise hold.undecided(run_journal)
    if named or not state.resting:
        return
    newest = run_journal.entries()[-1]
    rested = (datetime.now(timezone.utc) - newest.moment).total_seconds()
    watchdog = leftover_runs.holder(request.target)
    # A watchdog that was started with the fence shows that the run is alive; after a reboot there is none.
    allowed = request.idle_timeout if run_journal.idle_timeout is None else min(request.idle_timeout, _STARTING_SECONDS)
    watched = run_journal.guarded or (watchdog and watchdog.run_id == run_journal.run_id)
    if rested < allowed or watched:
        raise Refused(
            f"The run {run_journal.run_id} has fenced {request.target.dbname} and has been waiting for its next step "
            f"since {newest.time}; it may be waiting for a confirmation.",
            remedy=f"Wait for it to end. If it is dead: {playbooks.recovering(run_journal.run_id)}",
        )


def _recovered(request: RecoverRequest, run_journal: Journal) -> tuple[str, tuple[str, ...]]:
    """What was done to a run, and the warnings."""
    _require_dead(request, run_journal)
    named = request.run_id == run_journal.run_id
    asked = RollbackRequest(request.target, Path(run_journal.backup_dir), request.jobs, finish=True)
    of = Run(request.target, asked, run_journal, request.reason if named else "", named and request.after_failover)
    with run_journal.held():
        if not named:
            _require_fenced(request, run_journal)
        done = finish(of, request.decision if named else Decision.FINISH)
    return _said(run_journal, done, of.reason), done.warnings


def _said(run_journal: Journal, done: Finished, reason: str) -> str:
    if done.restored:
        kept = f"; the failed database is kept as {done.restored.kept}" if done.restored.kept else ""
        return f"Rolled back: the run {run_journal.run_id}, which was interrupted while it migrated{kept}"
    state = run_journal.state
    if not state.ended:
        return f"Undone: the run {run_journal.run_id}, which had not begun to migrate"
    why = f": {reason}" if reason else ""
    return f"Finished: the run {run_journal.run_id}, whose verdict was {str(state.ended).replace('_', ' ')}{why}"


def _require_fenced(request: RecoverRequest, run_journal: Journal) -> None:
    """
    :raises Refused: nothing has kept others from writing since the run died, and a rollback takes that back.
    """
    raised, state = fence.recorded(run_journal), run_journal.state
    if raised and raised.kind == fence.NONE and state.unfinished and state.accepted is None:
        raise Refused(
            f"The run {run_journal.run_id} was interrupted while it migrated {request.target.dbname} behind no fence, "
            "and others may have written since; a rollback keeps those writes only in the kept database.",
            "The database is as the interrupted migration left it.",
            f"To roll it back: {playbooks.recovering(run_journal.run_id)} If it is right as it is: "
            f"{playbooks.deciding(run_journal.run_id, Decision.MARK_RESOLVED)}",
        )
