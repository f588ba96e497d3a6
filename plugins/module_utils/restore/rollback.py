# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rollback: look first; put a verified copy in the place of the failed database, and keep that one, closed.

The verified copy takes the place by renames alone. Without one the archive is restored beside, then the SQL script.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..backup_set.manifest import Manifest
from ..compare import fingerprint
from ..copies import copy as copies
from ..copies import lock as copy_lock
from ..copies import losses, sources
from ..errors import ConnectionFailed, FileFailed, Interrupted, NotABackup, PgsafeError, Refused
from ..fence import as_closed, counters, log_evidence, verdict_counters, whereabouts
from ..fence import run as fence
from ..fence.as_closed import AsClosed
from ..fence.whereabouts import Live
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.state import end_of
from ..journal.verdicts import RestoreState, Verdict
from ..model import FILE_COPY, SOURCE, Fingerprint, Target
from ..ports import signals
from ..ports.database import WRITING, literal, session, statement
from ..postgres import cutover, login_triggers, owner_code, properties, queries
from . import aftermath, sequences

VERIFIED_COPY = "verified_copy"
# Before it a server could lose what a session had counted.
_SINCE_EXACT_COUNTERS = 150000
_KEPT_READY = (VERIFIED_COPY, FILE_COPY)


@dataclass(frozen=True)
class RollbackRequest:
    """:param finish: only finish what the backup's run has begun; a rollback that is done is not looked at again.
    :param sequences: one of :data:`sequences.CHOICES`; empty for what the run was told.
    :param in_window: the process that migrated asks; after its death people may have put things right.
    :param unmoved: the verification found nothing changed; only a full comparison tells, as the record is a change.
    :param interruptible: signals break off what takes long, up to the renames; else they are the caller's.
    :param most_rows: refuse where clients have written more rows than these since the verdict; None for no limit.
    """

    target: Target
    backup_dir: Path
    jobs: int
    finish: bool = False
    in_window: bool = False
    sequences: str = ""
    interruptible: bool = False
    unmoved: bool = False
    most_rows: int | None = None

    def listening(self) -> AbstractContextManager[None]:
        """For the time of the block a signal breaks it off, where it may."""
        return signals.raised("The rollback") if self.interruptible else nullcontext()


@dataclass(frozen=True)
class Restored:
    """:param method: ``verified_copy``, ``file_copy``, ``archive`` or ``script``; empty when nothing was restored.
    :param kept: the name of the database that was replaced, or empty.
    :param failures: why each method that was tried before this one failed.
    :param cutover_seconds: how long the renames took, from the first session that was ended to the open database.
    :param warnings: what a person ought to know: what a rollback does not give back, what failed after the opening.
    :param not_given_back: in what the database is not as it was before, a line each.
    """

    state: RestoreState
    database: str
    method: str
    kept: str
    failures: tuple[str, ...]
    sessions_ended: int
    rows: dict[str, int]
    seconds: float
    cutover_seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    not_given_back: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A database that is proven to be what the backup holds.

    :param failures: why each method before this one gave none.
    :param views: entries of the archive whose materialized views are still to be filled.
    """

    name: str
    oid: int
    method: str
    failures: tuple[str, ...]
    views: tuple[str, ...] = ()


def roll_back(request: RollbackRequest, manifest: Manifest, run_journal: Journal | None) -> Restored:
    """Look first; restore only if the live database is not the one of the backup any more.

    The caller holds the run's lock.

    :raises PgsafeError: nothing could be put in the live database's place; it is open again, as it was left.
    """
    started = time.monotonic()
    request = replace(request, target=login_triggers.silenced(request.target))
    live = whereabouts.find(request.target, manifest, run_journal, request.in_window)
    if live.done and not request.finish:
        _require_as_restored(request.target, manifest, request.jobs, run_journal)
    closed = _as_closed(run_journal)
    with request.listening():
        needless = live.done or _untouched(request, live, manifest, run_journal, closed)
    if needless:
        done = _not_needed(request.target, live, closed.manifest if closed else manifest, run_journal)
    else:
        done = _restored(request, live, manifest, run_journal, closed)
    replaced = done.state is RestoreState.ROLLED_BACK or live.done
    told = aftermath.told(request.target, manifest, replaced)
    lost = losses.known(manifest, run_journal) if replaced and not _by_files(run_journal) else ()
    said = [f"Not as it was before: {what}" for what in lost]
    return replace(done, seconds=_since(started), not_given_back=lost, warnings=(*done.warnings, *said, *told))


def _as_closed(run_journal: Journal | None) -> AsClosed | None:
    """What the database was when it was closed; None where its backup says that, or nothing does any more."""
    raised = fence.recorded(run_journal) if run_journal else None
    if run_journal is None or raised is None or not raised.judged_as_closed:
        return None
    try:
        return as_closed.read(run_journal)
    except (NotABackup, FileFailed):
        return None


def _by_files(run_journal: Journal | None) -> bool:
    """Whether the newest rollback of the run put a copy of the database's files in the place."""
    done = run_journal.last(Event.ROLLED_BACK) if run_journal else None
    return done is not None and done.facts.get("method") == FILE_COPY


def _restored(
    request: RollbackRequest, live: Live, manifest: Manifest, run_journal: Journal | None, closed: AsClosed | None
) -> Restored:
    _note(run_journal, Event.ROLLING_BACK)
    life = _life(request.target)
    try:
        restored = _replace(request, manifest, live, run_journal, closed)
    except PgsafeError as error:
        _note(run_journal, Event.ROLLBACK_FAILED, error=error.what)
        if run_journal and run_journal.state.fenced:
            _require_not_broken_off(request.target, life, manifest, error)
        _open_after(request.target, run_journal, error)
        raise
    _note(run_journal, Event.ACCEPTED, verdict=Verdict.ROLLED_BACK)
    warnings = let_go(request.target, run_journal)
    facts = {"kept": restored.kept, "method": restored.method, "failures": list(restored.failures)}
    _note(run_journal, Event.ROLLED_BACK, **facts)
    return replace(restored, warnings=(*restored.warnings, *warnings))


def _life(target: Target) -> str:
    with session(target.maintenance, purpose="rollback") as server:
        return str(server.value(queries.SERVER_LIFE))


def _lives_on(target: Target, life: str) -> bool:
    """Whether the server has been up all the time."""
    try:
        return _life(target) == life
    except ConnectionFailed:
        return False


def _require_not_broken_off(target: Target, life: str, manifest: Manifest, error: PgsafeError) -> None:
    """A rollback that a crash or a person interrupted can be repeated, so the database stays closed until it was.

    :raises PgsafeError: it was broken off.
    """
    state = "The database is as the failed migration left it, and closed."
    if isinstance(error, Interrupted):
        error.remedy = "The next run, or the same command once more, rolls it back."
        raise error.with_state(state)
    if not _lives_on(target, life):
        raise ConnectionFailed(
            f"The server was restarted while {manifest.identity.name} was being rolled back: {error.what}",
            state,
            "Its guard, or the next run, rolls it back when the server answers.",
        ) from error


def _not_needed(target: Target, live: Live, manifest: Manifest, run_journal: Journal | None) -> Restored:
    kept = (live.name or "") if live.done else ""
    verdict = Verdict.ROLLED_BACK if live.done else Verdict.FAILED_UNCHANGED
    put_back = _properties_put_back(target, live, manifest, run_journal)
    _note(run_journal, Event.ACCEPTED, verdict=verdict)
    warnings = (*put_back, *let_go(target, run_journal))
    _note(run_journal, end_of(verdict), kept=kept)
    rows = manifest.fingerprint.rows
    return Restored(RestoreState.NOT_NEEDED, manifest.identity.name, "", kept, (), 0, rows, 0.0, warnings=warnings)


def _properties_put_back(
    target: Target, live: Live, manifest: Manifest, run_journal: Journal | None
) -> tuple[str, ...]:
    """Of a database that a migration has left as it was, but for its owner, comment, privileges or settings."""
    if live.done or live.name is None or run_journal is None or not run_journal.state.unfinished:
        return ()
    try:
        changed = _put_back(target, live.name, manifest, fence.recorded(run_journal))
    except PgsafeError as error:
        return (f"The migration changed properties of the database that could not be restored: {error.what}",)
    return (f"The migration had changed {', '.join(changed)} of the database; they were restored.",) if changed else ()


def _put_back(target: Target, name: str, manifest: Manifest, raised: fence.Fence | None) -> list[str]:
    """What was other, and is not any more."""
    with session(target.maintenance, cutover.DURABLE, "rollback") as server:
        wanted, missing = properties.possible(server, manifest.properties)
        now = fence.unfenced(properties.read(server, name), raised)
        if wanted.owner in missing:
            wanted = replace(wanted, owner=now.owner)
        if raised and raised.kind == fence.CONNECT:
            # Lifting it gives them back, from the journal.
            now = replace(now, acl=wanted.acl)
        changed = properties.differences(now, wanted)
        if changed:
            with server.transaction():
                for change in properties.changes(name, now, wanted):
                    server.execute(change)
    return changed


def let_go(target: Target, run_journal: Journal | None, after_failover: bool = False) -> tuple[str, ...]:
    """The database open under its name, and no verified copy left; what went wrong with the small things around that.

    :param after_failover: as for :func:`fence.undo`.
    """
    if run_journal is None:
        return ()
    failures = fence.undo(target, run_journal, after_failover).failures
    try:
        copies.drop_ready(target, run_journal)
    except PgsafeError as error:
        return (*failures, f"The verified copy could not be dropped: {error.what}")
    return failures


def _open_after(target: Target, run_journal: Journal | None, error: PgsafeError) -> None:
    try:
        if run_journal:
            fence.undo(target, run_journal)
    except PgsafeError as undo:
        error.joined(f"the fence could not be lifted: {undo.what}")


def _note(run_journal: Journal | None, event: Event, **facts: object) -> None:
    if run_journal is not None:
        run_journal.append(event, **facts)


def _require_as_restored(target: Target, manifest: Manifest, jobs: int, run_journal: Journal | None) -> None:
    """
    :raises Refused: the database was rolled back to this backup before, and has been changed since, or may have been.
    """
    raised = fence.recorded(run_journal) if run_journal else None
    if _by_files(run_journal) or (raised and raised.followed):
        copy = "that had followed it" if raised and raised.followed else "of its files that the run had made"
        raise Refused(
            f"{manifest.identity.name} was rolled back before, to the copy {copy}; what was written since is not "
            "known.",
            remedy="To restore the backup into another database, name a new_database.",
        )
    live = target.database(manifest.identity.name)
    _require_readable(live)
    found = fingerprint.of_database(live, jobs, like=manifest.fingerprint, purpose="look")
    differing = fingerprint.differences(manifest.fingerprint, found)
    if differing:
        raise Refused(
            f"{live.dbname} was rolled back to this backup before, and was changed since: {'; '.join(differing[:5])}.",
            remedy="To restore the backup into another database, name a new_database.",
        )


def differences(live: Target, manifest: Manifest, jobs: int, run_journal: Journal | None) -> tuple[str, ...]:
    """What the database that was backed up is by now and was not then, a readable line each.

    :raises Refused: reading it would run functions of roles that are not trusted.
    """
    _require_readable(live)
    found = _by_log(live, manifest, jobs, run_journal) or fingerprint.of_database(
        live, jobs, SOURCE, like=manifest.fingerprint, purpose="look"
    )
    return fingerprint.differences(manifest.fingerprint, found)


def _by_log(live: Target, manifest: Manifest, jobs: int, run_journal: Journal | None) -> Fingerprint | None:
    raised = fence.recorded(run_journal) if run_journal and run_journal.state.fenced else None
    if raised is None or run_journal is None:
        return None
    if raised.why_no_log:
        run_journal.note(f"The whole database is read, since the write-ahead log was not kept: {raised.why_no_log}.")
    return log_evidence.read_again(live, manifest, run_journal, raised.log, jobs)


def _require_readable(live: Target) -> None:
    with session(live, purpose="look") as reader:
        owner_code.require_readable(reader)


def _untouched(
    request: RollbackRequest, live: Live, manifest: Manifest, run_journal: Journal | None, closed: AsClosed | None
) -> bool:
    """Whether the live database, fenced or not, still is what the backup holds, or what it was when it was closed.

    Where the cheap change counters prove a difference, the tables need not be read, which would take its time.
    """
    if live.name not in (manifest.identity.name, whereabouts.fenced_name(manifest)):
        return False
    here = fence.way_in(request.target, run_journal).database(live.name)
    if closed:
        return _unmoved_since(closed, here)
    if not request.unmoved and fence.changed_since(run_journal, here):
        return False
    try:
        return not differences(here, manifest, request.jobs, run_journal)
    except Refused:
        # The backup has no such code, or it would have been refused: it was added since.
        return False


def _unmoved_since(closed: AsClosed, here: Target) -> bool:
    """By catalogs and change counters: putting the copy in the place takes less time than reading the tables."""
    was = closed.manifest.fingerprint
    with session(here, purpose="look") as reader:
        if reader.rows(queries.PREPARED_HERE) or reader.version < _SINCE_EXACT_COUNTERS:
            return False
        found = fingerprint.without_contents(reader, SOURCE)
    if (found.catalog, found.reported) != (was.catalog, was.reported):
        return False
    now = counters.take(here)
    return counters.comparable(closed.seen, now) and not list(counters.differences(closed.seen, now))


def _replace(
    request: RollbackRequest, manifest: Manifest, live: Live, run_journal: Journal | None, closed: AsClosed | None
) -> Restored:
    kept = whereabouts.kept_name(manifest) if live.places(0) else ""
    prepared = _end_prepared(request.target, live, run_journal)
    ready, why_not = _ready(request.target, run_journal)
    held = closed.manifest if closed and ready else manifest
    ahead, unread = _ahead(request.target, live, held, run_journal)
    lost = _lost(request, live, run_journal, kept)
    restored = copy_lock.held(request.target, whereabouts.restored_name(manifest), "rollback")
    with restored, _closed(request.target, live.name) as ended:
        with request.listening():
            found = ready or _restored_now(request, manifest, why_not)
        _note(run_journal, Event.SWAPPING, **_swapped(manifest, live, found))
        try:
            numbers = _with_numbers(request, found, ahead, run_journal)
            seconds, warnings = _swap(request.target, held, live, found)
        except PgsafeError as error:
            if found.method not in _KEPT_READY:
                copies.drop_after(request.target, found.name, error)
            raise
    older = _older(found, kept, run_journal)
    rows, warnings = (
        held.fingerprint.rows,
        (*prepared, *unread, *lost, *older, *numbers, *warnings, *_filled(request, manifest, found)),
    )
    return Restored(
        RestoreState.ROLLED_BACK,
        manifest.identity.name,
        found.method,
        kept,
        found.failures,
        ended,
        rows,
        0.0,
        seconds,
        warnings,
    )


def _ahead(
    target: Target, live: Live, manifest: Manifest, run_journal: Journal | None
) -> tuple[tuple[sequences.Ahead, ...], tuple[str, ...]]:
    """The sequences, and why they could not be read; that costs no rollback."""
    if live.name is None:
        return (), ()
    try:
        here = fence.way_in(target, run_journal).database(live.name)
        return sequences.ahead(here, manifest.fingerprint.sequences), ()
    except PgsafeError as error:
        return (), (f"Could not read the sequences of the failed database: {error.what}",)


def _lost(request: RollbackRequest, live: Live, run_journal: Journal | None, kept: str) -> tuple[str, ...]:
    """What was written since a good verdict; sessions report all of it once they have ended.

    Each is ended once: those that come back at once are ended when the database is closed.

    :raises Refused: it is more than the limit.
    """
    if live.name is None or run_journal is None or run_journal.state.fenced or not run_journal.state.ended:
        return ()
    with suppress(PgsafeError), session(request.target.maintenance, WRITING, "rollback") as server:
        cutover.end_each_once(server, live.name)
    found = verdict_counters.written_since(request.target.database(live.name), run_journal)
    if found and request.most_rows is not None and found.exceeds(request.most_rows):
        raise Refused(
            f"A rollback of {live.name} would lose more than the {request.most_rows:,} rows that are allowed: "
            f"{'; '.join(found.lines)}.",
            f"{live.name} is open, and stays migrated.",
        )
    return tuple(f"{line}: it is in {kept} only." for line in found.lines) if found else ()


def _with_numbers(
    request: RollbackRequest, found: _Candidate, ahead: tuple[sequences.Ahead, ...], run_journal: Journal | None
) -> tuple[str, ...]:
    """Before the copy takes the place, so that no number is given out twice; what is reported."""
    if not ahead or _chosen(request, run_journal) != sequences.MAX:
        return sequences.told(ahead)
    if found.method in _KEPT_READY:
        # Should this be interrupted, then it is no verified copy any more, and the archive is restored.
        cutover.reopen(request.target, found.name)
    return sequences.carry(request.target.database(found.name), ahead)


def _chosen(request: RollbackRequest, run_journal: Journal | None) -> str:
    armed = run_journal.last(Event.ARMED) if run_journal else None
    return request.sequences or (str(armed.facts.get("sequences", "")) if armed else "")


def _filled(request: RollbackRequest, manifest: Manifest, found: _Candidate) -> tuple[str, ...]:
    """Views over dblink to the live database find it again by now; what still could not be filled."""
    if not found.views:
        return ()
    source = sources.of(request.target, request.backup_dir, manifest, request.jobs)
    return copies.fill(request.target, manifest.identity.name, source, found.views)


def _end_prepared(target: Target, live: Live, run_journal: Journal | None) -> tuple[str, ...]:
    """Before the window there was none, so each is the migration's; only from inside can it be ended."""
    if run_journal is None or not run_journal.state.unfinished:
        return ()
    ended = []
    for name in live.places(0):
        with session(fence.way_in(target, run_journal).database(name), WRITING, "rollback") as server:
            for (gid,) in server.rows(queries.PREPARED_HERE):
                run_journal.append(Event.ENDING_PREPARED, gid=gid)
                server.execute(statement("ROLLBACK PREPARED {gid}", gid=literal(gid)))
                ended.append(f"A prepared transaction that was left in the database was rolled back: {gid}.")
    return tuple(ended)


def _older(found: _Candidate, kept: str, run_journal: Journal | None) -> tuple[str, ...]:
    """What clients wrote since the backup is in no backup, but in the copy that has it alone."""
    raised = fence.recorded(run_journal) if run_journal else None
    if raised is None or not raised.judged_as_closed or found.method in _KEPT_READY:
        return ()
    return (f"What clients wrote between the backup and the closing of the database is in {kept} only.",)


def _ready(target: Target, run_journal: Journal | None) -> tuple[_Candidate | None, tuple[str, ...]]:
    """The copy that the run has kept closed, and why it cannot be used."""
    ready = copies.recorded_ready(run_journal) if run_journal else None
    if ready is None:
        return None, ()
    try:
        copies.require_ready(target, ready)
    except Refused as error:
        return None, (f"verified copy: {error.what}",)
    return _Candidate(ready.name, ready.oid, FILE_COPY if ready.of_files else VERIFIED_COPY, ()), ()


def _restored_now(request: RollbackRequest, manifest: Manifest, why_not: tuple[str, ...]) -> _Candidate:
    """A copy restored and compared now.

    :param why_not: why there is no copy that was kept.
    """
    target = request.target
    name = whereabouts.restored_name(manifest)
    tried = sources.restored(target, sources.of(target, request.backup_dir, manifest, request.jobs), name)
    with session(target.maintenance, purpose="rollback") as server:
        oid = int(server.value(queries.DATABASE_OID, (name,)))
    return _Candidate(name, oid, tried.method, (*why_not, *tried.failures), tried.views)


def _swapped(manifest: Manifest, live: Live, found: _Candidate) -> dict[str, object]:
    """For the journal: what takes the place, and by which the kept databases are known later."""
    leaving = zip(live.places(manifest.identity.oid).values(), _kept_names(manifest))
    return {
        "name": found.name,
        "oid": found.oid,
        "system_identifier": manifest.identity.system_identifier,
        "kept": {name: oid for oid, name in leaving},
    }


def _kept_names(manifest: Manifest) -> tuple[str, ...]:
    return whereabouts.kept_names(manifest.identity.name, manifest.run_id)


def _swap(target: Target, manifest: Manifest, live: Live, found: _Candidate) -> tuple[float, tuple[str, ...]]:
    places = live.places(manifest.identity.oid)
    here = cutover.Here(manifest.identity, {**places, found.name: found.oid})
    leaving = dict(zip(places, _kept_names(manifest)))
    swap = cutover.Swap(manifest.identity.name, leaving, found.name)
    with session(target.maintenance, purpose="rollback") as server:
        wanted, missing = properties.possible(server, manifest.properties)
    done = cutover.swap(target, here, swap, wanted, copies.kept_mark(manifest.run_id))
    gone = tuple(f"The role {role} is gone, and so are its rights and settings on the database." for role in missing)
    return done.seconds, (*gone, *properties.not_given(done.refused))


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


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
