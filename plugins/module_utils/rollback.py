# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rollback: look first; put a proven copy in the place of the failed database, and keep that one, closed.

The ready copy takes the place by renames alone. Without one the archive is restored beside, then the SQL script.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    copies,
    cutover,
    fence,
    fingerprint,
    hold,
    login_triggers,
    names,
    properties,
    queries,
    sources,
)
from ansible_collections.pgsafe.migration.plugins.module_utils import identity as identities
from ansible_collections.pgsafe.migration.plugins.module_utils.database import (
    WRITING,
    literal,
    session,
    statement,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import ACCEPTED, ROLLING_BACK, Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import SOURCE, Target

READY_COPY = "ready_copy"


@dataclass(frozen=True)
class RollbackRequest:
    """:param finish: only finish what the backup's run has begun; a rollback that is done is not looked at again."""

    target: Target
    backup_dir: Path
    jobs: int = 2
    finish: bool = False


@dataclass(frozen=True)
class Restored:
    """:param state: ``rolled_back``, ``restored``, or ``not_needed`` when the live database is as it was.
    :param method: ``ready_copy``, ``archive`` or ``script``; empty when nothing was restored.
    :param kept: the name of the database that was replaced, or empty.
    :param failures: why each method that was tried before this one failed.
    :param cutover_seconds: how long the renames took, from the first session that was ended to the open database.
    :param warnings: commands of the user's after the opening that failed.
    """

    state: str
    database: str
    method: str
    kept: str
    failures: tuple[str, ...]
    sessions_ended: int
    rows: dict[str, int]
    seconds: float
    cutover_seconds: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """Where the database of a backup is now.

    :param name: its name of now, or None when it is gone.
    :param done: it has been replaced already, and the name belongs to a restored one.
    """

    name: str | None
    done: bool


@dataclass(frozen=True)
class _Candidate:
    """A database that is proven to be what the backup holds.

    :param failures: why each method before this one gave none.
    """

    name: str
    oid: int
    method: str
    failures: tuple[str, ...]


def kept_name(manifest: Manifest) -> str:
    return names.beside(manifest.identity.name, "failed", manifest.run_id)


def restored_name(manifest: Manifest) -> str:
    return names.beside(manifest.identity.name, "restored", manifest.run_id)


def is_done(target: Target, manifest: Manifest) -> bool:
    """Whether the database of the backup has been replaced already, and is kept."""
    with session(target.maintenance, purpose="rollback") as server:
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
    return bool(found) and found[0][0] == kept_name(manifest)


def roll_back(request: RollbackRequest, manifest: Manifest, run_journal: Journal | None) -> Restored:
    """Look first; restore only if the live database is not the one of the backup any more.

    The caller holds the run's lock.

    :raises Refused: the run waits for a person's word, and this is not it.
    :raises PgsafeError: nothing could be put in the live database's place; it is open again, as it was left.
    """
    if request.finish and run_journal and run_journal.on_hold:
        raise hold.undecided(run_journal)
    started = time.monotonic()
    request = replace(request, target=login_triggers.silenced(request.target))
    live = find(request.target, manifest, run_journal)
    if live.done and not request.finish:
        _require_as_restored(request.target, manifest)
    if live.done or _untouched(fence.way_in(request.target, run_journal), live, manifest, run_journal):
        return _not_needed(request.target, live, manifest, run_journal, started)
    _note(run_journal, ROLLING_BACK)
    try:
        restored = _replace(request, manifest, live, run_journal)
    except PgsafeError as error:
        _note(run_journal, "rollback_failed", error=error.what)
        _open_after(request.target, run_journal, error)
        raise
    _note(run_journal, ACCEPTED, verdict="rolled_back")
    warnings = _let_go(request.target, run_journal)
    _note(run_journal, "rolled_back", kept=restored.kept, method=restored.method, failures=list(restored.failures))
    return replace(restored, seconds=_since(started), warnings=(*restored.warnings, *warnings))


def _not_needed(
    target: Target, live: Live, manifest: Manifest, run_journal: Journal | None, started: float
) -> Restored:
    kept = kept_name(manifest) if live.done else ""
    verdict = "rolled_back" if live.done else "unchanged"
    _note(run_journal, ACCEPTED, verdict=verdict)
    warnings = _let_go(target, run_journal)
    _note(run_journal, verdict, kept=kept)
    rows = manifest.fingerprint.rows
    seconds = _since(started)
    return Restored("not_needed", manifest.identity.name, "", kept, (), 0, rows, seconds, warnings=warnings)


def _let_go(target: Target, run_journal: Journal | None) -> tuple[str, ...]:
    """The database open under its name, and no ready copy left; what went wrong with the small things around that."""
    if run_journal is None:
        return ()
    failures = fence.undo(target, run_journal).failures
    try:
        copies.drop_ready(target, run_journal)
    except PgsafeError as error:
        return (*failures, f"The ready copy could not be dropped: {error.what}")
    return failures


def _open_after(target: Target, run_journal: Journal | None, error: PgsafeError) -> None:
    try:
        if run_journal:
            fence.undo(target, run_journal)
    except PgsafeError as undo:
        error.joined(f"the fence could not be lifted: {undo.what}")


def _note(run_journal: Journal | None, event: str, **facts: object) -> None:
    if run_journal is not None:
        run_journal.append(event, **facts)


def find(target: Target, manifest: Manifest, run_journal: Journal | None) -> Live:
    """The database of the backup, by its OID, whatever it is called now; opened if an earlier try left it closed.

    :raises Refused: this is another server, or the name belongs to another database.
    """
    with session(target.maintenance, purpose="rollback") as server:
        here = identities.read(server, target.maintenance_db)
        identities.require_same(manifest.identity, here, same_database=False)
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
        namesake = server.rows(queries.DATABASE_OID, (manifest.identity.name,))
    name, is_open = found[0] if found else (None, True)
    if name == kept_name(manifest):
        return Live(name, done=True)
    if namesake and name != manifest.identity.name:
        raise _replaced_since(manifest, name)
    if name and not is_open:
        cutover.reopen(target, name)
    return Live(name, done=False)


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


def differences(live: Target, manifest: Manifest) -> tuple[str, ...]:
    """What the database that was backed up is by now and was not then, a readable line each."""
    found = fingerprint.of_database(live, generation=SOURCE, like=manifest.fingerprint, purpose="look")
    return fingerprint.differences(manifest.fingerprint, found)


def _untouched(target: Target, live: Live, manifest: Manifest, run_journal: Journal | None) -> bool:
    """Whether the live database, fenced or not, still is what the backup holds.

    Where the cheap witness proves a difference, the tables need not be read, which would take its time.
    """
    fenced_name = names.beside(manifest.identity.name, "pgsafe", manifest.run_id)
    if live.name not in (manifest.identity.name, fenced_name):
        return False
    here = target.database(live.name)
    return not fence.changed_since(run_journal, here) and not differences(here, manifest)


def _replace(request: RollbackRequest, manifest: Manifest, live: Live, run_journal: Journal | None) -> Restored:
    kept = kept_name(manifest) if live.name else ""
    if live.name and run_journal and run_journal.unfinished:
        _end_prepared(fence.way_in(request.target, run_journal).database(live.name), run_journal)
    with _closed(request.target, live.name) as ended:
        found = _candidate(request, manifest, run_journal)
        try:
            seconds, warnings = _swap(request.target, manifest, live, found)
        except PgsafeError as error:
            if found.method != READY_COPY:
                copies.drop_after(request.target, found.name, error)
            raise
    rows = manifest.fingerprint.rows
    return Restored(
        "rolled_back", manifest.identity.name, found.method, kept, found.failures, ended, rows, 0.0, seconds, warnings
    )


def _end_prepared(live: Target, run_journal: Journal) -> None:
    """Before the window there was none, so each is the migration's; only from inside can it be ended."""
    with session(live, WRITING, "rollback") as server:
        for (gid,) in server.rows(queries.PREPARED_HERE):
            run_journal.append("ending_prepared", gid=gid)
            server.execute(statement("ROLLBACK PREPARED {gid}", gid=literal(gid)))


def _candidate(request: RollbackRequest, manifest: Manifest, run_journal: Journal | None) -> _Candidate:
    """The ready copy as it was proven; else a copy restored and compared now."""
    target = request.target
    why_not: tuple[str, ...] = ()
    ready = copies.recorded_ready(run_journal) if run_journal else None
    if ready:
        try:
            copies.require_ready(target, ready)
        except Refused as error:
            why_not = (f"ready copy: {error.what}",)
        else:
            return _Candidate(ready.name, ready.oid, READY_COPY, ())
    name = restored_name(manifest)
    tried = sources.restored(target, sources.of(target, request.backup_dir, manifest, request.jobs), name)
    with session(target.maintenance, purpose="rollback") as server:
        oid = int(server.value(queries.DATABASE_OID, (name,)))
    return _Candidate(name, oid, tried.method, (*why_not, *tried.failures))


def _swap(target: Target, manifest: Manifest, live: Live, found: _Candidate) -> tuple[float, tuple[str, ...]]:
    places = {live.name: manifest.identity.oid} if live.name else {}
    here = cutover.Here(manifest.identity, {**places, found.name: found.oid})
    swap = cutover.Swap(manifest.identity.name, live.name, kept_name(manifest), found.name)
    with session(target.maintenance, purpose="rollback") as server:
        wanted, missing = properties.possible(server, manifest.properties)
    seconds = cutover.swap(target, here, swap, wanted, copies.kept_mark(manifest.run_id))
    return seconds, tuple(f"The role {role} is gone, and with it what it had on the database." for role in missing)


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
