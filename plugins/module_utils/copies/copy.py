# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restored copies of a backup: always in a fresh, empty database beside the live one, never in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from .. import names
from ..backup_set import archives, gzip_files, plain_rows, scripts
from ..backup_set.manifest import ARCHIVE, SCRIPT, Manifest
from ..compare import fingerprint
from ..errors import CommandFailed, PgsafeError, Refused, VerificationFailed
from ..journal.entry import TIME
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Fingerprint, Target
from ..ports import commands, signals
from ..ports.database import WRITING, Session, environment, identifier, literal, session, statement
from ..postgres import client_tools, cutover, logical, pg_tools, properties, queries
from . import extensions, lock, restorer
from . import watch as restore_watch

STALL_SECONDS = 1800

# What the comment of every database begins with that a run has put beside the live one.
MARK = "pgsafe: "

# In the names of the copies of a backup.
_PURPOSES = ("scratch", "trial", "restored", "ready", "table", "log")

# A copy is either proven afterwards or dropped, so its commits need not wait for the disk one by one. A job of
# pg_restore's own is idle while others work.
_LOADING = {**WRITING, "synchronous_commit": "off", "idle_session_timeout": "0"}


@dataclass(frozen=True)
class Source:
    """A backup to restore from, and the means.

    :param as_restored: the fingerprint of the copy that once proved it; another copy is exactly like that one.
    """

    directory: Path
    manifest: Manifest
    tools: pg_tools.Tools
    jobs: int
    as_restored: Fingerprint | None = None


def create(target: Target, name: str, source: Source) -> None:
    """An empty database with the original's encoding and locale.

    :raises Refused: the name is taken by a database that no interrupted restore has left.
    """
    _prepare(target, _created(target, name, source), source)


def _created(target: Target, name: str, source: Source) -> str:
    with session(target.maintenance, WRITING, "restore") as server:
        _clear(server, name, source.manifest)
        # A temporary instance has no other users, and a role other than its administrator restores there.
        superuser = target.administrator is None and bool(server.value(queries.IS_SUPERUSER))
        # It gets its owner when it is finished; that there is none is said before anything is restored.
        server.execute(queries.ROLE_EXISTS, (names.quoted(source.manifest.properties.owner),))
        server.execute(properties.creation(name, source.manifest.properties, superuser))
    return name


def _prepare(target: Target, name: str, source: Source) -> None:
    with session(target.maintenance, WRITING, "restore") as server:
        server.execute(_marking(name, restoring_mark(source.manifest.run_id)))
    restorer.prepare(target, name)


def restoring_mark(run_id: str) -> str:
    return f"{MARK}a copy being restored from the backup {run_id}"


def ready_mark(run_id: str) -> str:
    return f"{MARK}the verified copy of the run {run_id}, closed"


def kept_mark(run_id: str) -> str:
    return f"{MARK}replaced by the rollback of the run {run_id}"


def log_mark(run_id: str) -> str:
    return f"{MARK}reads the write-ahead log for the run {run_id}"


def _marking(name: str, mark: str) -> Any:
    return statement("COMMENT ON DATABASE {name} IS {mark}", name=identifier(name), mark=literal(mark))


def of_run(database: str, run_id: str) -> tuple[str, ...]:
    """The names that copies of a run's backup may have; no other database has one of them."""
    return tuple(names.beside(database, purpose, run_id) for purpose in _PURPOSES)


def is_of_run(name: str, comment: str, database: str, run_id: str) -> bool:
    """By its comment; one that a run was killed over before it could say so has its name alone, and nothing in it."""
    if comment in (restoring_mark(run_id), ready_mark(run_id), log_mark(run_id)):
        return True
    return comment == "" and name in of_run(database, run_id)


def _clear(server: Session, name: str, manifest: Manifest) -> None:
    """Drop what an interrupted restore of the same backup has left under this name, and nothing else."""
    found = server.rows(queries.DATABASE_COMMENT, (name,))
    if not found:
        return
    if is_of_run(name, found[0][0], manifest.identity.name, manifest.run_id):
        server.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(name)))
        return
    raise Refused(
        f"A database {name} exists already.",
        remedy="Choose another name.",
    )


def load_archive(target: Target, name: str, source: Source, progress: commands.Progress | None = None) -> None:
    """pg_restore with several jobs; the first error ends it. Extensions come first, each in the backup's version.

    Its jobs may lock each other out (a constraint NOT VALID of a partitioned table against the rows of a partition), or
    load a table before another one that a constraint's function reads; then it is done once more in an empty database,
    by one job, which keeps the order of the archive.

    :param progress: that of a :class:`restore_watch.RestoreWatch` of the caller's; without one there is one of its own.
    :raises Refused: the watch gave the restore up.
    """
    parts = archives.parts(source.tools, source.directory / ARCHIVE)
    try:
        _load_archive(target, name, source, parts, progress)
    except CommandFailed as error:
        if source.jobs == 1 or not any(sign in error.stderr for sign in _OF_THE_ORDER):
            raise
        create(target, name, source)
        _load_archive(target, name, replace(source, jobs=1), parts, progress)


# What pg_restore says where another order may help.
_OF_THE_ORDER = ("deadlock detected", "COPY failed for table")


def load_archive_without_rows(target: Target, name: str, source: Source) -> None:
    """Every object of the database with the values of its sequences; no row, no event trigger, no publication.

    :raises Refused: the watch gave the restore up.
    """
    parts = archives.parts(source.tools, source.directory / ARCHIVE)
    _load_archive(target, name, source, parts.without_rows, None)


def load_archive_but_views(target: Target, name: str, source: Source) -> tuple[str, ...]:
    """All of an archive but what fills its materialized views; these entries, for :func:`fill`.

    :raises Refused: the watch gave the restore up.
    """
    parts = archives.parts(source.tools, source.directory / ARCHIVE)
    _load_archive(target, name, source, parts.but_views, None)
    return parts.views


def fill(target: Target, name: str, source: Source, views: Sequence[str]) -> tuple[str, ...]:
    """Fill materialized views, each by its entry of the archive; why each that could not be."""
    failures = []
    for entry in views:
        try:
            _restore(target, name, source, entry, None)
        except CommandFailed as error:
            failures.append(f"A materialized view could not be filled ({entry.strip()}): {error.what}")
    return tuple(failures)


def _load_archive(
    target: Target, name: str, source: Source, parts: archives.Parts, progress: commands.Progress | None
) -> None:
    _as_bare_as(target, name, source)
    with _watched(target, name, progress) as moving:
        if parts.extensions:
            if parts.schemas:
                _restore(target, name, source, parts.schemas, moving)
            extensions.create(target.database(name), parts.extensions, source.manifest)
            _restore(target, name, source, parts.rest, moving)
        else:
            _restore(target, name, source, parts.schemas + parts.rest, moving)
    _leave_out(target, name, source)
    restorer.settle(target, name)


def _leave_out(target: Target, name: str, source: Source) -> None:
    """What a run had given to its database for the time of the backup."""
    manifest = source.manifest
    with session(target.database(name), WRITING, "restore") as copy:
        ours = names.replication_of_run(manifest.run_id, manifest.identity.oid)
        logical.leave_out(copy, ours, manifest.fingerprint.catalog)


@contextmanager
def _watched(target: Target, name: str, progress: commands.Progress | None) -> Iterator[commands.Progress]:
    """What shows that a copy gets on while pg_restore and psql say nothing."""
    if progress is not None:
        yield progress
        return
    with restore_watch.watching(target, name, restore_watch.Limits()) as watch:
        yield watch.progress


def _restore(target: Target, name: str, source: Source, entries: str, progress: commands.Progress | None) -> None:
    with archives.list_file(entries) as chosen:
        argv = pg_tools.restore_archive(
            source.tools,
            str(source.directory / ARCHIVE),
            name,
            source.jobs,
            chosen,
        )
        commands.run(_command(target, name, argv), progress)


def _as_bare_as(target: Target, name: str, source: Source) -> None:
    """A new database has a schema ``public`` and plpgsql; where the original has none, the empty one goes."""
    objects = source.manifest.fingerprint.catalog
    absent = [
        drop
        for kind, there, drop in (
            ("schema", "public", "DROP SCHEMA IF EXISTS public RESTRICT"),
            ("extension", "plpgsql", "DROP EXTENSION IF EXISTS plpgsql RESTRICT"),
        )
        if there not in objects.get(kind, {})
    ]
    if absent:
        with session(target.database(name), WRITING, "restore") as copy:
            for drop in absent:
                copy.execute(drop)


def load_script(target: Target, name: str, source: Source, progress: commands.Progress | None = None) -> None:
    """The SQL script through psql in one transaction; a script that is cut never reaches its end of file.

    :param progress: as for :func:`load_archive`.
    :raises Refused: the watch gave the restore up.
    """
    _load_script(target, name, source, gzip_files.read(source.directory / SCRIPT), progress)


def load_script_without_rows(target: Target, name: str, source: Source) -> None:
    """As :func:`load_archive_without_rows`, from the SQL script.

    :raises Refused: the watch gave the restore up.
    """
    _load_script(target, name, source, plain_rows.left_out(gzip_files.read(source.directory / SCRIPT)), None)


def _load_script(
    target: Target, name: str, source: Source, text: Iterator[bytes], progress: commands.Progress | None
) -> None:
    client_tools.require_restricting(source.tools)
    _as_bare_as(target, name, source)
    argv = pg_tools.run_script(source.tools, ["-"], single_transaction=True)
    with _watched(target, name, progress) as moving:
        script = scripts.restricted(text)
        commands.write_from(_command(target, name, argv), script, moving)
    _leave_out(target, name, source)
    restorer.settle(target, name)


def _command(target: Target, name: str, argv: tuple[str, ...]) -> commands.Command:
    env = environment(target.database(name), _LOADING, "restore")
    return commands.Command(argv, env, stall_limit=STALL_SECONDS)


def analyze(target: Target, name: str, *, vacuum: bool = False) -> None:
    """Statistics are in no dump: without them the first queries after a restore are slow."""
    with session(target.database(name), WRITING, "analyze") as copy:
        copy.execute("VACUUM ANALYZE" if vacuum else "ANALYZE")


def compare(target: Target, name: str, source: Source, views_filled: bool = True) -> None:
    """
    :param views_filled: whether materialized views must have been filled that were.
    :raises VerificationFailed: the copy is not what the manifest says, or not what the copy was that proved it; the
        message lists the differences.
    """
    found = fingerprint.of_database(target.database(name), source.jobs, like=source.manifest.fingerprint)
    wanted = source.as_restored or source.manifest.fingerprint
    if not views_filled:
        wanted, found = fingerprint.whatever_is_filled(wanted), fingerprint.whatever_is_filled(found)
    differing = fingerprint.differences(wanted, found)
    if differing:
        shown = "; ".join(differing[:20]) + (f"; and {len(differing) - 20} more" if len(differing) > 20 else "")
        raise VerificationFailed(f"The restored copy {name} differs from the manifest: {shown}.")


def drop(target: Target, name: str) -> None:
    """Drop a copy; nothing happens when it is not there. A second signal does not keep it from being done."""
    with signals.passed_over(), session(target.maintenance, WRITING, "drop") as server:
        server.execute(statement("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=identifier(name)))


@dataclass(frozen=True)
class Ready:
    """A verified copy that is kept closed, for a rollback by renames alone.

    :param until: when its time is over, if it is retained after the verdict; None before.
    :param sessions: that have connected to it up to the verdict, and the series of statistics that counted them.
    :param of_files: it is a copy of the closed database's files, and not one restored from the backup.
    """

    name: str
    oid: int
    run_id: str
    until: datetime | None = None
    sessions: tuple[int, str] | None = None
    of_files: bool = False

    @property
    def until_told(self) -> str:
        return self.until.strftime("%Y-%m-%d %H:%M UTC") if self.until else ""


def set_ready(
    target: Target, name: str, run_journal: Journal, *, of_files: bool = False, following: bool = False
) -> Ready:
    """Close a verified copy, so that it stays unchanged until a rollback uses it or it is dropped.

    :param following: it is yet to follow its database, by a worker of the server that connects to it. The copy has no
        owner yet, and its connection limit of 0 keeps all but superusers out.
    """
    with session(target.maintenance, cutover.DURABLE, "verified copy") as server:
        if not following:
            server.execute(statement("ALTER DATABASE {name} ALLOW_CONNECTIONS false", name=identifier(name)))
        server.execute(_marking(name, ready_mark(run_journal.run_id)))
        cutover.end_sessions(server, name)
        oid = int(server.value(queries.DATABASE_OID, (name,)))
        ready = Ready(name, oid, run_journal.run_id, of_files=of_files)
    run_journal.append(Event.VERIFIED_COPY, name=ready.name, oid=ready.oid, of_files=of_files)
    return ready


def recorded_ready(run_journal: Journal) -> Ready | None:
    """The verified copy of a run, as its journal has it; None when there is none any more."""
    found = run_journal.state.verified_copy
    if not found:
        return None
    of_files = bool(found.get("of_files"))
    ready = Ready(found["name"], int(found["oid"]), run_journal.run_id, of_files=of_files)
    if "until" not in found:
        return ready
    until = datetime.strptime(found["until"], TIME).replace(tzinfo=timezone.utc)
    return replace(ready, until=until, sessions=(int(found["sessions"]), str(found["statistics"])))


def retain(target: Target, run_journal: Journal, span: timedelta) -> Ready | None:
    """Leave the verified copy of a run that has ended where it is, closed, for so long; None when there is none.

    :raises Refused: it is gone, or was opened.
    """
    ready = recorded_ready(run_journal)
    if ready is None:
        return None
    require_ready(target, ready)
    sessions, statistics = _sessions_of(target, ready)
    until = (datetime.now(timezone.utc) + span).strftime(TIME)
    facts = {"until": until, "sessions": sessions, "statistics": statistics}
    run_journal.append(Event.COPY_RETAINED, name=ready.name, oid=ready.oid, **facts)
    return recorded_ready(run_journal)


def _sessions_of(target: Target, ready: Ready) -> tuple[int, str]:
    with session(target.maintenance, purpose="verified copy") as server:
        sessions, statistics = server.row(queries.SESSIONS_EVER, (ready.oid,))
    return int(sessions), str(statistics)


def require_ready(target: Target, ready: Ready) -> None:
    """
    :raises Refused: it is gone, was opened, or is another database of that name.
    """
    with session(target.maintenance, purpose="verified copy") as server:
        found = server.rows(queries.NAME_AND_OPEN, (ready.oid,))
        comment = server.rows(queries.DATABASE_COMMENT, (ready.name,))
    if not found or found[0][0] != ready.name:
        raise Refused(f"The verified copy {ready.name} is gone.")
    if found[0][1] or comment != [(ready_mark(ready.run_id),)]:
        raise Refused(f"The verified copy {ready.name} was opened since it was proven.")
    # A closed database has no client sessions; one that was opened meanwhile, and closed again, had some.
    if ready.sessions and ready.sessions != _sessions_of(target, ready):
        raise Refused(
            f"The verified copy {ready.name} had sessions since the verdict, or the statistics that would show them "
            "were reset, as by a crash of the server."
        )


def drop_ready(target: Target, run_journal: Journal) -> str:
    """Drop the verified copy of a run that needs none any more; its name, or nothing when there was none.

    One that is retained stays.
    """
    if incomplete := run_journal.state.copying:
        return _drop_incomplete(target, incomplete, run_journal)
    ready = recorded_ready(run_journal)
    if ready is None or run_journal.state.retains_copy:
        return ""
    with session(target.maintenance, WRITING, "drop") as server:
        if server.rows(queries.NAME_AND_OPEN, (ready.oid,)) and _is_marked(server, ready):
            server.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(ready.name)))
    run_journal.append(Event.VERIFIED_COPY_DROPPED, name=ready.name)
    return ready.name


def _drop_incomplete(target: Target, name: str, run_journal: Journal) -> str:
    """Drop what an interrupted copy of files has left under this name, if it is the run's."""
    with session(target.maintenance, WRITING, "drop") as server:
        found = server.rows(queries.DATABASE_COMMENT, (name,))
        if found and is_of_run(name, found[0][0], run_journal.database, run_journal.run_id):
            server.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(name)))
    run_journal.append(Event.VERIFIED_COPY_DROPPED, name=name)
    return name


def _is_marked(server: Session, ready: Ready) -> bool:
    """After a rollback the OID is that of the live database, which has neither this name nor this comment."""
    return server.rows(queries.DATABASE_COMMENT, (ready.name,)) == [(ready_mark(ready.run_id),)]


@contextmanager
def scratch(target: Target, name: str, source: Source, purpose: str) -> Iterator[None]:
    """An empty database for the time of the block, dropped in any case.

    :param purpose: as for :func:`lock.held`.
    """
    with lock.held(target, name, purpose):
        with new(target, name, source):
            yield
        drop(target, name)


@contextmanager
def kept_ready(target: Target, name: str, source: Source, run_journal: Journal, *, following: bool) -> Iterator[None]:
    """An empty database that the block fills and proves; kept closed afterwards, dropped if the block fails.

    :param following: as for :func:`set_ready`.
    """
    with lock.held(target, name, "verified copy"), new(target, name, source):
        yield
        set_ready(target, name, run_journal, following=following)


@contextmanager
def new(target: Target, name: str, source: Source) -> Iterator[None]:
    """An empty database that the block fills; dropped if the block fails. The caller holds the name."""
    created: list[str] = []
    try:
        with signals.deferred():
            created += [_created(target, name, source)]
        _prepare(target, name, source)
        yield
    except PgsafeError as error:
        for mine in created:
            drop_after(target, mine, error)
        raise
    except BaseException:
        for mine in created:
            drop(target, mine)
        raise


@contextmanager
def log_reader(target: Target, database: str, run_id: str) -> Iterator[Target]:
    """An empty database of ours for the extension that reads the log, dropped in any case."""
    name = names.beside(database, "log", run_id)
    drop(target, name)
    try:
        with signals.deferred(), session(target.maintenance, WRITING, "log") as server:
            server.execute(statement("CREATE DATABASE {name} TEMPLATE template0", name=identifier(name)))
            server.execute(_marking(name, log_mark(run_id)))
        yield target.database(name)
    finally:
        drop(target, name)


def drop_after(target: Target, name: str, error: PgsafeError) -> None:
    """Drop a copy because of an error; if that fails too, the error says so."""
    try:
        drop(target, name)
    except PgsafeError as undo:
        error.joined(f"the copy {name} could not be dropped: {undo.what}")
