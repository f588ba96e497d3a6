# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The databases that rollbacks have replaced and kept, and retained copies: which are old, and their removal.

The owner of a database may rename it and write its comment. So a database is dropped only by the OID that the journal
of its run has recorded for the name, and only where name, comment and OID agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from .. import names
from ..copies import copy as copies
from ..copies.copy import Ready
from ..errors import BadRequest, ConnectionFailed, PgsafeError, QueryFailed, Refused
from ..journal.entry import Entry
from ..journal.events import Event
from ..journal.journal import Journal, all_runs, of_run
from ..journal.state import Standing
from ..model import Target
from ..ports import signals
from ..ports.database import WRITING, Session, identifier, session, statement
from ..postgres import identity as identities
from ..postgres import queries
from ..retention import rules

_MOST_DAYS = 36500


@dataclass(frozen=True)
class KeptRequest:
    """:param keep_days: a database is not dropped before it was kept for longer.
    :param confirmed: the names of the databases that a person has confirmed; no other one is dropped.
    """

    target: Target
    backup_root: Path
    keep_days: float
    confirmed: tuple[str, ...] = ()

    def require_sound(self) -> None:
        """
        :raises BadRequest: the number of days makes no sense.
        """
        if not 0 <= self.keep_days <= _MOST_DAYS:
            raise BadRequest(f"keep_days is {self.keep_days:g}.", remedy=f"Set it to 0 to {_MOST_DAYS}.")


@dataclass(frozen=True)
class KeptDatabase:
    """A database that is named as a run names one beside its own.

    :param run_id: the run in its name.
    :param since: when the rollback kept it; None where no journal says so.
    :param bytes: on disk; 0 where the role may not see it.
    :param backup_dir: the backup of the run; empty where it is not known.
    """

    name: str
    oid: int
    run_id: str
    since: datetime | None
    bytes: int
    backup_dir: str = ""


@dataclass(frozen=True)
class Decision:
    """:param due: whether it is old enough, and nothing speaks against dropping it.
    :param dropped: whether that was done.
    :param reason: why it is due, or why it stays.
    :param copy: a retained copy of a backup, which holds nothing else, so no person needs to confirm its drop.
    """

    database: KeptDatabase
    due: bool
    reason: str
    dropped: bool = False
    copy: bool = False


class NotDropped(QueryFailed):
    """Some of the databases could not be dropped."""

    def __init__(self, decisions: tuple[Decision, ...], failures: Sequence[str]) -> None:
        listed = "".join(f"\n  {failure}" for failure in failures)
        super().__init__(
            f"Not every kept database could be dropped:{listed}\n", remedy="Fix the cause, and run again."
        )
        self.decisions = decisions


@dataclass(frozen=True)
class _Case:
    """What is known of a database: the server's facts, and those of its run, if this backup root has it."""

    database: KeptDatabase
    comment: str
    is_open: bool
    sessions: int
    recorded: Entry | None
    ready: Ready | None
    journal: Journal | None
    system_identifier: str
    keep_days: float
    now: datetime
    held: bool

    @property
    def age(self) -> timedelta:
        return self.now - (self.database.since or self.now)


def plan(request: KeptRequest) -> tuple[Decision, ...]:
    """A decision for each database of a run beside this one, by reading alone.

    :raises BadRequest: the number of days makes no sense.
    :raises Refused: another user could replace the journal of a run.
    :raises ConnectionFailed: the server does not answer, and the runs of the backup root do not say that none has kept
        a database there.
    """
    request.require_sound()
    try:
        with session(request.target.maintenance, purpose="kept databases") as server:
            return tuple(_decided(case) for case in _cases(server, request))
    except ConnectionFailed:
        runs = all_runs(request.backup_root)
        if not runs or any(_keeps(run_journal) for run_journal in runs):
            raise
        # Such as of copies at another place, for which a host without a server is enough.
        return ()


def _keeps(run_journal: Journal) -> bool:
    return run_journal.state.retains_copy or run_journal.last(Event.SWAPPING) is not None


def run(request: KeptRequest) -> tuple[Decision, ...]:
    """Drop what is due and confirmed, one after another.

    :raises NotDropped: some could not be dropped; the others are.
    :raises Interrupted: a signal came; what was dropped until then is gone.
    :raises PgsafeError: as :func:`plan`.
    """
    planned = plan(request)
    done: list[Decision] = []
    failures: list[str] = []
    try:
        with signals.raised("The removal of kept databases"):
            # One by one, so that an interruption can say what is gone.
            done.extend(_carried_out(decision, request, failures) for decision in planned)
    except PgsafeError as error:
        raise error.with_state(_state(done)) from error
    if failures:
        raise NotDropped(tuple(done), failures).with_state(_state(done))
    return tuple(done)


def drop_copies(target: Target, backup_root: Path) -> tuple[Decision, ...]:
    """Drop the retained copies whose time is over, and no kept database; those that were dropped.

    :raises PgsafeError: as :func:`run`.
    """
    return tuple(of for of in run(KeptRequest(target, backup_root, _MOST_DAYS)) if of.dropped)


def copies_due(target: Target, backup_root: Path) -> tuple[Decision, ...]:
    """The retained copies whose time is over, by reading alone."""
    planned = plan(KeptRequest(target, backup_root, _MOST_DAYS))
    return tuple(of for of in planned if of.due and of.copy)


def _state(done: Sequence[Decision]) -> str:
    dropped = [decision.database.name for decision in done if decision.dropped]
    return f"Dropped: {', '.join(dropped)}." if dropped else "No database was dropped."


def _carried_out(decision: Decision, request: KeptRequest, failures: list[str]) -> Decision:
    name = decision.database.name
    if not decision.due:
        return decision
    if name not in request.confirmed and not decision.copy:
        return replace(decision, reason=f"{decision.reason}; not confirmed")
    try:
        return _dropped(decision, request)
    except Refused as error:
        return replace(decision, due=False, reason=error.what)
    except QueryFailed as error:
        failures.append(f"{name}: {error.what}")
        return replace(decision, reason=error.what)


def _dropped(decision: Decision, request: KeptRequest) -> Decision:
    """Decide once more under the lock of its run, which a rollback of that run holds too.

    Without FORCE the server itself refuses to drop a database that has sessions.
    """
    name, run_journal = decision.database.name, of_run(request.backup_root, decision.database.run_id)
    if run_journal is None:
        raise Refused("its run is gone")
    with run_journal.held(), session(request.target.maintenance, WRITING, "drop") as server:
        again = [_decided(case) for case in _cases(server, request, held=run_journal.run_id, name=name)]
        if not again or not again[0].due or again[0].database.oid != decision.database.oid:
            return again[0] if again else replace(decision, due=False, reason="it is gone")
        _note(run_journal, decision)
        server.execute(statement("DROP DATABASE {name}", name=identifier(name)))
    return replace(decision, dropped=True)


def _note(run_journal: Journal, decision: Decision) -> None:
    """Before the drop. Where that fails, the next run drops a copy which is no longer recorded."""
    name = decision.database.name
    if decision.copy:
        run_journal.append(Event.VERIFIED_COPY_DROPPED, name=name)
    else:
        run_journal.append(Event.DROPPING_KEPT, name=name, oid=decision.database.oid, reason=decision.reason)


def _cases(server: Session, request: KeptRequest, held: str = "", name: str = "") -> list[_Case]:
    """
    :param held: the run whose lock the caller holds.
    :param name: of one database; every one when it is empty.
    """
    here = identities.read(server, request.target.maintenance_db)
    now = datetime.now(timezone.utc)
    return [
        _case(request, row, run_id, here.system_identifier, now, held == run_id)
        for row in server.rows(queries.BESIDE)
        if (run_id := names.run_beside(request.target.dbname, row[0])) and name in ("", row[0])
    ]


def _case(
    request: KeptRequest, row: tuple[Any, ...], run_id: str, system_identifier: str, now: datetime, held: bool
) -> _Case:
    name, oid, comment, is_open, sessions, size = row
    run_journal = of_run(request.backup_root, run_id)
    recorded = _recorded(run_journal, name) if run_journal else None
    ready = _retained(run_journal, name) if run_journal else None
    since = recorded.moment if recorded else None
    directory = run_journal.backup_dir if run_journal else ""
    database = KeptDatabase(name, int(oid), run_id, since, int(size), directory)
    seen = (comment, bool(is_open), int(sessions))
    return _Case(database, *seen, recorded, ready, run_journal, system_identifier, request.keep_days, now, held)


def _recorded(run_journal: Journal, name: str) -> Entry | None:
    """The newest rollback of the run that has kept a database under this name."""
    swaps = [of for of in run_journal.entries() if of.event is Event.SWAPPING and name in of.facts.get("kept", {})]
    return swaps[-1] if swaps else None


def _retained(run_journal: Journal, name: str) -> Ready | None:
    ready = copies.recorded_ready(run_journal) if run_journal.state.retains_copy else None
    return ready if ready and ready.name == name else None


def _decided(case: _Case) -> Decision:
    copy = case.ready is not None
    for rule in _RULES_OF_COPIES if copy else _RULES:
        reason = rule(case)
        if reason:
            return Decision(case.database, due=False, reason=reason, copy=copy)
    reason = f"{_copy_until(case)}, and its time is over" if copy else f"kept for {rules.days(case.age)}"
    return Decision(case.database, due=True, reason=reason, copy=copy)


def _copy_until(case: _Case) -> str:
    return f"a verified copy, retained until {case.ready.until_told}" if case.ready else ""


def _another_copy(case: _Case) -> str:
    """A namesake, or one that a person has given another comment."""
    if case.ready and case.ready.oid != case.database.oid:
        return f"now another database: OID {case.database.oid}; that of the copy is {case.ready.oid}"
    if case.comment != copies.ready_mark(case.database.run_id):
        return "its comment was changed since it was proven"
    return ""


def _in_time(case: _Case) -> str:
    in_time = case.ready is not None and case.ready.until is not None and case.now <= case.ready.until
    return f"{_copy_until(case)}, for an instant rollback" if in_time else ""


def _of_no_rollback(case: _Case) -> str:
    if case.journal is None:
        return "no run of this backup root made it"
    if case.recorded is None:
        ours = copies.is_of_run(case.database.name, case.comment, case.journal.database, case.journal.run_id)
        return "a copy; the next run drops it if its own run has ended" if ours else "no rollback of its run kept it"
    return ""


def _another(case: _Case) -> str:
    """Name, OID and comment have to be those that the rollback gave, on this server."""
    recorded = case.recorded.facts if case.recorded else {}
    oid = recorded["kept"][case.database.name]
    if recorded["system_identifier"] != case.system_identifier:
        return "its run was on another server"
    if oid != case.database.oid:
        return f"now another database: OID {case.database.oid}; the rollback kept OID {oid}"
    if case.comment != copies.kept_mark(case.database.run_id):
        return "its comment was changed since it was kept"
    return ""


def _used(case: _Case) -> str:
    if case.sessions:
        return f"in use by {case.sessions} session{'s' if case.sessions > 1 else ''}"
    return "it was opened to connections since it was kept" if case.is_open else ""


def _run_not_ended(case: _Case) -> str:
    if case.journal is None or case.journal.guarded or (case.journal.alive and not case.held):
        return "its run is being worked on"
    standing = case.journal.state.standing(alive=False)
    return "" if standing is Standing.ENDED else f"its run has not ended ({standing})"


def _pinned(case: _Case) -> str:
    pinned = case.journal.state.pinned if case.journal else ""
    return f"the backup of its run is pinned: {pinned}" if pinned else ""


def _young(case: _Case) -> str:
    if case.age > timedelta(days=case.keep_days):
        return ""
    return f"kept for {rules.days(case.age)} of {rules.days(timedelta(days=case.keep_days))}"


_RULES: Sequence[Callable[[_Case], str]] = (_of_no_rollback, _another, _used, _run_not_ended, _pinned, _young)
_RULES_OF_COPIES: Sequence[Callable[[_Case], str]] = (_another_copy, _used, _run_not_ended, _in_time)
