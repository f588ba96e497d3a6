# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fence: no other session writes between the snapshot and the verdict.

First the database is read-only by default: its name stays, reads go on, and its change counters are noted. Just before
the migration it is closed: renamed, so that no other session finds it. Every step is journaled before it is done. An
undo looks at the server, so that undoing twice, or undoing what was never done, does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .. import names, playbooks
from .. import prediction as predictions
from ..copies import copy as copies
from ..errors import BadRequest, PgsafeError, Refused
from ..journal import lock as run_lock
from ..journal.events import Event
from ..journal.journal import Journal, new_run, of_run
from ..model import COPIED, FOLLOWED, READ_ONLY_FENCES, DatabaseProperties, Identity, Target
from ..ports.database import Session, identifier, literal, session, statement
from ..postgres import cutover, login_triggers, queries
from ..postgres import identity as identities
from ..postgres.changed_blocks import Mark
from ..prediction import Prediction
from . import connect as connect_fence
from . import counters, follow, hooks, log_evidence, whereabouts, written_tables
from . import mark as fence_mark

BOTH, CONNECT = READ_ONLY = READ_ONLY_FENCES
CLOSED, NONE = ("closed", "none")
KINDS = (BOTH, CLOSED, COPIED, FOLLOWED, CONNECT, NONE)
CLOSING = (BOTH, CLOSED, COPIED, FOLLOWED)

RESET = "the statistics were reset, or the server was restarted after a crash"
_SETTING = "default_transaction_read_only"


@dataclass(frozen=True)
class FenceRequest:
    """:param kind: one of :data:`KINDS`.
    :param reason: why there is to be no fence; asked for with ``none``.
    :param before: commands to run before the fence is raised.
    :param after: commands to run after the database was opened again, however the run ended.
    :param idle_timeout: seconds that the run may rest before its watchdog gives it up; None without a watchdog.
    :param lease: seconds that the controller may be silent between two tasks; 0 is no lease.
    :param predictions: how long clients are expected to wait behind each kind of fence, for the journal.
    """

    target: Target
    backup_root: Path
    kind: str
    reason: str
    before: hooks.Hooks
    after: hooks.Hooks
    idle_timeout: float | None
    lease: float
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Fence:
    """What the journal knows of a run's fence.

    :param saved: the database's own value of default_transaction_read_only before; None when it had none.
    :param seen: the change counters at the start of the read-only stage; None before it stands, and without that stage.
    :param since: seconds of the clock since it stands, for figures; None likewise.
    :param acl: the database's privileges before ``connect`` took them away.
    :param comment: the database's own before it was marked.
    :param log: from where on the write-ahead log is kept; None where it is not.
    :param why_no_log: why it is not kept.
    :param predicted: how long clients were expected to wait behind it; None where nobody has said that.
    """

    kind: str
    run_id: str
    identity: Identity
    saved: str | None
    after: hooks.Hooks
    reason: str = ""
    seen: counters.Counters | None = None
    since: float | None = None
    comment: str | None = None
    log: Mark | None = None
    why_no_log: str = ""
    predicted: Prediction | None = None

    @property
    def closed_name(self) -> str:
        return fence_mark.closed_name(self.identity.name, self.run_id)

    @property
    def read_only(self) -> bool:
        return self.kind in READ_ONLY

    @property
    def copied(self) -> bool:
        """Whether the files of the closed database are copied, so that a rollback loses no write."""
        return self.kind == COPIED

    @property
    def followed(self) -> bool:
        """Whether the verified copy follows the database until it is closed, so that a rollback loses no write."""
        return self.kind == FOLLOWED

    @property
    def judged_as_closed(self) -> bool:
        """Whether clients write after the backup, and a migration is judged by what the closed database was."""
        return self.copied or self.followed


@dataclass(frozen=True)
class Fenced:
    """:param sessions_ended: sessions older than the fence, which its default did not reach."""

    run_id: str
    kind: str
    sessions_ended: int


@dataclass(frozen=True)
class Lifted:
    """:param opened: whether there was a fence to lift.
    :param failures: commands after the opening that failed.
    """

    database: str
    opened: bool
    failures: tuple[str, ...] = ()


def plan(request: FenceRequest) -> int:
    """How many sessions would be ended.

    :raises PgsafeError: the fence could not be raised.
    """
    if request.kind not in KINDS:
        raise BadRequest(f"There is no fence {request.kind}; choose one of {', '.join(KINDS)}.")
    if request.kind == NONE and not request.reason.strip():
        raise BadRequest(
            "Without a fence a rollback loses what other sessions write during the migration.",
            remedy="Give a reason (pg_migrate_waive.fence); it is recorded in the journal.",
        )
    whereabouts.require_elsewhere(request.target)
    with session(login_triggers.silenced(request.target), purpose="fence") as reader:
        return len(reader.rows(queries.SESSIONS, (request.target.dbname, [reader.pid])))


def run(request: FenceRequest) -> Fenced:
    """Begin a run, and make the database read-only by default where the kind asks for that.

    :raises PgsafeError: the fence does not stand; its partial changes were undone.
    """
    plan(request)
    request = replace(request, target=login_triggers.silenced(request.target))
    with _claimed(request.target) as identity:
        return _run(request, identity)


@contextmanager
def _claimed(target: Target) -> Iterator[Identity]:
    """The database, while no other run may be at work on it.

    :raises Refused: one is, or was, and has left its fence.
    """
    with session(target, purpose="fence") as reader:
        identity = identities.read(reader)
    with run_lock.held(target, identity.name, identity.oid):
        with session(target, purpose="fence") as reader:
            marks = fence_mark.found(reader, identity.name)
        for name, mark in marks.items():
            raise fence_mark.refused(identity.name, name, mark)
        yield identity


def _run(request: FenceRequest, identity: Identity) -> Fenced:
    run_journal = new_run(request.backup_root)
    with run_journal.held():
        fence = _begin(request, identity, run_journal)
        try:
            _mark(request.target, fence, run_journal)
            hooks.run(request.before)
            ended = _read_only(request.target, fence) if fence.read_only else 0
            log, why_not = _keep_log(request, fence)
            seen = counters.take(request.target).as_facts() if fence.read_only else None
            if fence.copied:
                written_tables.begin(request.target, run_journal)
            kept = asdict(log) if log else None
            run_journal.append(Event.FENCED, counters=seen, clock=time.time(), log=kept, why_no_log=why_not)
        except BaseException as error:
            _undo_after(request.target, run_journal, error)
            raise
    return Fenced(run_journal.run_id, request.kind, ended)


def _keep_log(request: FenceRequest, fence: Fence) -> tuple[Mark | None, str]:
    """Its guard sees to it that what is kept does not fill the disk."""
    if not fence.read_only or request.idle_timeout is None:
        return None, ""
    return log_evidence.begin(request.target, fence.run_id, fence.identity)


def lift(target: Target, backup_root: Path, run_id: str) -> Lifted:
    """End a run before its migration: open the database, and drop the verified copy; safe to repeat.

    :raises Refused: there is no such run, it is at work, or it has changed the database and must be rolled back.
    """
    run_journal = of_run(backup_root, run_id)
    if run_journal is None:
        raise Refused(f"There is no run {run_id} in {backup_root}.", remedy="Look at the names in .runs there.")
    with run_journal.held():
        if run_journal.state.unfinished:
            raise Refused(
                f"The run {run_id} has changed {target.dbname}; without its fence other sessions would use a database "
                "that is half migrated.",
                remedy=f"Roll it back: {playbooks.rolling_back(run_journal.backup_dir)}",
            )
        lifted = undo(target, run_journal)
        copies.drop_ready(target, run_journal)
        return lifted


def _begin(request: FenceRequest, identity: Identity, run_journal: Journal) -> Fence:
    name = identity.name
    with session(request.target, purpose="fence") as reader:
        found = reader.rows(queries.DATABASE_SETTING, {"name": _SETTING, "oid": identity.oid})
        comment = reader.value(queries.DATABASE_COMMENT, (name,))
    fence = Fence(
        kind=request.kind,
        run_id=run_journal.run_id,
        identity=identity,
        saved=found[0][0] if found else None,
        after=[list(argv) for argv in request.after],
        reason=request.reason,
        comment=comment or None,
    )
    run_journal.append(
        Event.FENCING,
        database=name,
        identity=asdict(identity),
        kind=fence.kind,
        saved=fence.saved,
        after=fence.after,
        reason=fence.reason,
        comment=fence.comment,
        idle_timeout=request.idle_timeout,
        lease=request.lease,
        predictions=predictions.as_facts(request.predictions),
    )
    if chosen := predictions.of_kind(request.predictions, fence.kind):
        for line in predictions.in_lines(chosen, request.predictions):
            run_journal.note(line)
    return replace(fence, predicted=chosen)


def _mark(target: Target, fence: Fence, run_journal: Journal) -> None:
    """Before anything else that others would take for the database's own."""
    with session(target.maintenance, cutover.DURABLE, "fence") as server:
        cutover.require(server, here(fence, fence.identity.name))
        with cutover.naming_holders(server, [fence.identity.name]):
            server.execute(fence_mark.commenting(fence.identity.name, fence_mark.of(run_journal)))


def _read_only(target: Target, fence: Fence) -> int:
    with session(target.maintenance, cutover.DURABLE, "fence") as server:
        return read_only(server, fence)


def read_only(server: Session, fence: Fence, check: Callable[[], object] = bool) -> int:
    """The default of every new session, and the end of every older one; how many there were.

    :param check: called between two looks; what it raises ends the wait.
    """
    name = fence.identity.name
    cutover.require(server, here(fence, name))
    with cutover.naming_holders(server, [name]):
        server.execute(_set(name, "on"))
    moment = server.value(queries.CLOCK)
    ended: set[int] = set()
    while older := server.rows(queries.SESSIONS_BEFORE, (name, moment, list(ended))):
        for pid, user in older:
            cutover.end(server, name, pid, user)
            ended.add(pid)
        check()
    return len(ended)


def here(fence: Fence, name: str) -> cutover.Here:
    return cutover.Here(fence.identity, {name: fence.identity.oid})


def _set(name: str, value: str | None) -> Any:
    """The setting as it is to be; None for no setting of the database's own."""
    if value is None:
        return statement(f"ALTER DATABASE {{name}} RESET {_SETTING}", name=identifier(name))
    return statement(f"ALTER DATABASE {{name}} SET {_SETTING} = {{value}}", name=identifier(name), value=literal(value))


def recorded(run_journal: Journal) -> Fence | None:
    """The fence of a run, standing or not; None when the run never had one."""
    begun = run_journal.last(Event.FENCING)
    if begun is None:
        return None
    stands = run_journal.last(Event.FENCED)
    facts = stands.facts if stands else {}
    return Fence(
        kind=begun.facts["kind"],
        run_id=run_journal.run_id,
        identity=Identity(**begun.facts["identity"]),
        saved=begun.facts["saved"],
        after=begun.facts["after"],
        reason=begun.facts["reason"],
        comment=begun.facts.get("comment"),
        seen=counters.of_facts(facts["counters"]) if facts.get("counters") else None,
        since=facts.get("clock"),
        log=Mark(**facts["log"]) if facts.get("log") else None,
        why_no_log=facts.get("why_no_log", ""),
        predicted=predictions.of_kind(
            predictions.of_facts(begun.facts.get("predictions", ())), begun.facts["kind"]
        ),
    )


def close(target: Target, fence: Fence, run_journal: Journal) -> Target:
    """Keep everybody else out, and give the way in that is left.

    :raises Refused: a session cannot be kept out, or wrote since the snapshot; the caller lifts the fence.
    """
    name = fence.identity.name
    if fence.kind == NONE:
        return target
    run_journal.append(Event.CLOSING, name=fence.closed_name)
    if fence.kind == CONNECT:
        return connect_fence.close(target, here(fence, name), fence.run_id, run_journal)
    closed = identifier(fence.closed_name)
    cutover.apply(
        target,
        here(fence, name),
        [
            statement("ALTER DATABASE {name} RENAME TO {closed}", name=identifier(name), closed=closed),
            _set(fence.closed_name, fence.saved),
        ],
    )
    return target.database(fence.closed_name)


def way_in(target: Target, run_journal: Journal | None) -> Target:
    """The way into a run's database, whose fence may keep the connecting role out too; the name is the caller's."""
    if run_journal is None or not run_journal.state.fenced:
        return target
    return connect_fence.way_in(target, run_journal)


def written_since(fence: Fence, way_in: Target) -> tuple[str, ...]:
    """What was written since the change counters were read; to be called when no other session is connected.

    :data:`RESET` when the counters cannot tell, and the whole fingerprint has to.
    """
    if fence.seen is None:
        return ()
    now = counters.take(way_in)
    if not counters.comparable(fence.seen, now):
        return (RESET,)
    return tuple(counters.differences(fence.seen, now))


def changed_since(run_journal: Journal | None, way_in: Target) -> tuple[str, ...]:
    """What is certainly other than when the fence was raised; nothing when only the fingerprint can tell."""
    fence = recorded(run_journal) if run_journal else None
    if fence is None or fence.seen is None:
        return ()
    return tuple(counters.committed(fence.seen, counters.take(way_in)))


def undo(target: Target, run_journal: Journal, after_failover: bool = False) -> Lifted:
    """Open the database of a run again, under its own name, wherever its fence was left; safe to repeat.

    :param after_failover: a person has named the run, and so says that this is its server, whatever its timeline.
    :raises Refused: its name belongs to another database by now, or the server is of another timeline.
    :raises PgsafeError: the server refused.
    """
    fence = recorded(run_journal)
    if fence is None or not run_journal.state.fenced:
        return Lifted(target.dbname, opened=False)
    with session(target.maintenance, cutover.DURABLE, "open") as server:
        fence = _require_here(server, fence, after_failover)
        found = server.rows(queries.NAME_AND_OPEN, (fence.identity.oid,))
        name = found[0][0] if found else None
        if name == fence.identity.name:
            # Clients write again, however long the rest takes.
            with cutover.naming_holders(server, [name]):
                server.execute(_set(name, fence.saved))
        follow.end(server, target, fence.identity, name, run_journal)
        if name:
            with cutover.naming_holders(server, [name]):
                _open(server, fence, name, run_journal)
        log_evidence.end(server, run_journal, fence.identity)
    # Clients that keep such a table locked keep nobody out.
    follow.give_back(target, fence.identity.name if name == fence.closed_name else name, run_journal)
    return opened(fence, run_journal)


def _require_here(server: Session, fence: Fence, after_failover: bool) -> Fence:
    """The fence as it is on this server: its standbys have it too, and one of them may be the primary now.

    :raises Refused: this is another server.
    """
    now = identities.read(server, server.target.dbname)
    if after_failover:
        fence = replace(fence, identity=replace(fence.identity, timeline=now.timeline))
    try:
        identities.require_same(fence.identity, now, same_database=False)
    except Refused as error:
        if now.system_identifier == fence.identity.system_identifier:
            error.remedy = f"If it is the primary since a failover: {playbooks.recovering(fence.run_id)}"
        raise
    return fence


def _open(server: Session, fence: Fence, name: str, run_journal: Journal) -> None:
    mine = fence.identity.name
    # What a migration has written in the place of the mark is its own.
    marked = fence_mark.is_mark(server.value(queries.DATABASE_COMMENT, (name,)))
    comments = [fence_mark.commenting(mine, fence.comment)] if marked else []
    if name == fence.closed_name:
        if server.rows(queries.DATABASE_OID, (mine,)):
            raise Refused(
                f"{mine} was fenced as {name}, and another database {mine} has been created meanwhile.",
                "The fenced database is whole, under the name it has now.",
                f"Rename or drop the other one, then run again: it opens {name} as {mine}.",
            )
        cutover.apply(server.target, here(fence, name), [*_opening(fence, name), *comments])
    elif name == mine:
        for change in comments:
            server.execute(change)
    if fence.kind == CONNECT:
        connect_fence.undo(server, name, run_journal)


def _opening(fence: Fence, name: str) -> Iterator[Any]:
    mine = identifier(fence.identity.name)
    yield statement("ALTER DATABASE {name} RENAME TO {mine}", name=identifier(name), mine=mine)
    yield _set(fence.identity.name, fence.saved)


def opened(fence: Fence, run_journal: Journal) -> Lifted:
    """Record that the database is open, and run what the user wants to be run then."""
    run_journal.append(Event.OPENED)
    return Lifted(fence.identity.name, opened=True, failures=tuple(hooks.run_all(fence.after)))


def _undo_after(target: Target, run_journal: Journal, error: BaseException) -> None:
    try:
        undo(target, run_journal)
    except PgsafeError as problem:
        if isinstance(error, PgsafeError):
            error.joined(f"the fence could not be lifted: {problem.what}").with_state("")
            error.run_id = run_journal.run_id


def unfenced(properties: DatabaseProperties, fence: Fence | None) -> DatabaseProperties:
    """Properties that were read behind a fence, as they are without it; but for the privileges behind ``connect``."""
    if fence is None:
        return properties
    if fence_mark.is_mark(properties.comment):
        properties = replace(properties, comment=fence.comment)
    if not fence.read_only:
        return properties
    ours = names.role_of_a_run(fence.run_id)
    others = [entry for entry in properties.settings if not _is_ours(*entry) and entry[0] != ours]
    if fence.saved is not None:
        others.append(("", f"{_SETTING}={fence.saved}"))
    return replace(properties, settings=tuple(sorted(others)))


def _is_ours(role: str, setting: str) -> bool:
    return role == "" and setting.partition("=")[0] == _SETTING
