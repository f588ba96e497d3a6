# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrate: refuse without a proven backup of this run, apply the set, verify it, and on any failure roll back.

From *armed* to the verdict it is one call, so that no boundary of a task lies inside the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import NoReturn

from .. import names, playbooks
from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..compare import fingerprint, schema
from ..copies import copy as copies
from ..copies import losses, of_files
from ..errors import NOTHING_CHANGED, CommandFailed, FileFailed, Interrupted, PgsafeError, Refused, VerificationFailed
from ..fence import (
    as_closed,
    counters,
    equal,
    follow,
    hold,
    log_evidence,
    verdict_counters,
    whereabouts,
    written_tables,
)
from ..fence import run as fence
from ..journal import applied_files
from ..journal.applied_files import Applying
from ..journal.events import Event
from ..journal.journal import Journal, now
from ..journal.verdicts import RestoreState, Verdict
from ..model import Catalog, Target, redacted
from ..names import quoted
from ..ports import commands, files, signals
from ..ports.database import WRITING, Session, environment_of_user, session
from ..postgres import (
    client_tools,
    cutover,
    identity,
    login_triggers,
    properties,
    queries,
    table_locks,
    table_marks,
    tool_histories,
)
from ..postgres.table_locks import TableLock
from ..postgres.table_marks import Marks
from ..postgres.tool_histories import ToolVersion, VersionChange
from ..prediction import Prediction, Waited
from ..promotion import evidence
from ..promotion.permit import Permit
from ..promotion.record import ITS_TREE, Evidence, Step
from ..restore import recover, rollback
from ..restore.request import Decision
from . import pending as pendings
from . import permit, psql_file, tool
from .migration_set import NO_TREE, MigrationSet, Preview, SetSource, SqlFile, Tree
from .pending import Accepted, File, Listing, Pending
from .verification import expectations as expected
from .verification import report as verification_report
from .verification import run as migration_verify
from .verification.result import Verification, VerificationReport, Wanted

_STAGING = "migration"
_PARTS = "parts"

# Characters from which on the value of a variable is taken for a secret where a command prints it.
_SECRET_LENGTH = 8


@dataclass(frozen=True)
class MigrateRequest:
    """:param run_id: the run that the backup must be of.
    :param level: the level of proof that the backup must have reached.
    :param confirmed_database: the name a person or a variable confirmed; it must be the database's.
    :param confirmed_by: how it was confirmed, for the journal.
    :param lock_timeout: seconds a statement waits for a lock; 0 for ever.
    :param statement_timeout: seconds a statement may take; 0 for ever.
    :param time_limit: seconds a file or the command may take; None for ever.
    :param environment: further variables of the command.
    :param database_url: give the command a DATABASE_URL too.
    :param sequences: what becomes of them at a rollback, one of :data:`sequences.CHOICES`.
    :param tool_options: how the tool that a command runs is asked for its version, and for what is pending.
    :param set_name: the application that the files are of, in the history of the database.
    :param accepted: what a person accepts where files and history contradict each other.
    :param wanted: what was declared of the migration.
    :param on_verify_failure: one of :data:`hold.ON_VERIFY_FAILURE`.
    :param promoted: what the promotion records of other environments allow to be applied.
    :param keep_copy_seconds: how long the verified copy stays after a good verdict; 0 to drop it.
    :param copy_timeout: seconds until the copy that a rollback would take is proven equal, or made.
    """

    target: Target
    source: SetSource
    backup_dir: Path
    run_id: str
    confirmed_database: str
    confirmed_by: str
    level: str
    lock_timeout: int
    statement_timeout: int
    time_limit: int | None
    environment: Mapping[str, str]
    chdir: str | None
    database_url: bool
    set_name: str
    accepted: Accepted
    wanted: Wanted
    on_verify_failure: str
    jobs: int
    sequences: str
    promoted: Permit
    tool_options: tool.ToolOptions
    keep_copy_seconds: float
    copy_timeout: float

    @property
    def claim(self) -> permit.Claim:
        return permit.Claim(self.target, self.backup_dir, self.run_id, self.level, self.confirmed_database)

    def redacted(self, said: str) -> str:
        """Short values of variables are no secrets, and parts of other words."""
        values = [value for value in self.environment.values() if len(value) >= _SECRET_LENGTH]
        return redacted(self.target.redacted(said), values)

    def job(self, way_in: Target, argv: Sequence[str], mode: Mapping[str, str], purpose: str) -> commands.Command:
        """A program that finds the database by libpq's variables.

        :param mode: :data:`WRITING`, or :data:`tool.READ_ONLY`.
        """
        limit = float(self.time_limit) if self.time_limit else None
        env = environment_of_user(way_in, {**mode, **self._settings}, purpose)
        return commands.Command(tuple(argv), env, time_limit=limit)

    def command(self, way_in: Target, mode: Mapping[str, str], purpose: str) -> commands.Command:
        """The command of the user's own, in its directory and with its variables."""
        job = self.job(way_in, self.source.command, mode, purpose)
        url = {"DATABASE_URL": way_in.url_for_commands} if self.database_url else {}
        return replace(job, env={**job.env, **self.environment, **url}, cwd=self.chdir)

    @property
    def _settings(self) -> dict[str, str]:
        """A backend notices within half a second that its client is gone; a lock is not waited for for ever."""
        role = {"role": self.target.session_role} if self.target.session_role else {}
        return {
            **role,
            "lock_timeout": f"{self.lock_timeout}s",
            "statement_timeout": f"{self.statement_timeout}s",
            "client_connection_check_interval": "500ms",
        }


@dataclass(frozen=True)
class Plan:
    """:param steps: the files of the set, or the command.
    :param files: those that are still to be applied, in the order in which they run.
    :param baseline: the files that are to be recorded as applied without being run.
    :param versions: of the tool that a command runs; empty for files.
    :param version: the same for a person.
    :param newest: the file that was applied last before this run; empty for a command.
    :param asked: the words of the command that said whether anything is pending; empty where none was asked.
    """

    digest: str
    steps: list[str]
    files: list[str]
    baseline: list[str]
    sessions: int
    versions: tuple[ToolVersion, ...] = ()
    version: str = ""
    newest: str = ""
    asked: str = ""

    @property
    def pending(self) -> bool:
        return bool(self.files or self.baseline)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    :param verdict: ``migrated``, ``failed_unchanged``, ``rolled_back``, ``rollback_failed`` or ``held``.
    :param writes_since_backup: the most rows that others wrote between the snapshot and the migration, which a rollback
        loses; None where the statistics do not reach back.
    :param fence: the kind of fence that kept others from writing, one of :data:`fence.KINDS`.
    :param seconds_read_only: how long others could not write, None without that stage.
    :param seconds_closed: how long the database was closed.
    :param seconds_migrating: how long of that the migration, its verification and a rollback took.
    :param seconds_asking: how long the database was read-only between the proof and the confirmation.
    :param predicted: how long clients were expected to wait, without the migration; None where nobody has said that.
    :param warnings: what went wrong after the verdict and does not change it.
    :param versions: of the tool that a command ran, before and after it.
    :param copy: the verified copy that is retained for an instant rollback.
    :param file_runs: what ran, in its order, with the file that failed as the last one.
    """

    verdict: Verdict
    applied: tuple[str, ...]
    sessions_ended: int
    writes_since_backup: int | None
    seconds: float
    verification: VerificationReport | None = None
    rollback: rollback.Restored | None = None
    fence: str = fence.NONE
    seconds_read_only: float | None = None
    seconds_closed: float = 0.0
    seconds_migrating: float = 0.0
    seconds_asking: float = 0.0
    predicted: Prediction | None = None
    warnings: tuple[str, ...] = ()
    versions: tuple[VersionChange, ...] = ()
    copy: copies.Ready | None = None
    file_runs: tuple[FileRun, ...] = ()

    @property
    def waited(self) -> Waited | None:
        """How long clients have waited; None behind no fence, and while the database is still closed."""
        if self.fence == fence.NONE or self.verdict in (Verdict.HELD, Verdict.ROLLBACK_FAILED):
            return None
        closed = self.seconds_closed
        writes = closed if self.seconds_read_only is None else self.seconds_read_only
        return Waited(writes, closed, self.seconds_migrating, self.seconds_asking)


@dataclass(frozen=True)
class FileRun:
    """A file, or the command, that ran.

    :param failed: it failed or was interrupted; what it did is no part of the database.
    :param locks: that it held at its end, where that is known.
    """

    name: str
    seconds: float
    failed: bool
    locks: tuple[TableLock, ...] | None = None


class MigrationFailed(PgsafeError):
    """The migration failed; what was done about it is in the outcome."""

    def __init__(self, cause: PgsafeError, outcome: Outcome, state: str, remedy: str) -> None:
        super().__init__(cause.what, state, remedy)
        self.undo_problems = cause.undo_problems
        self.outcome = outcome
        self.at = datetime.now(timezone.utc).strftime("%H:%M:%S UTC")


def plan(request: MigrateRequest) -> Plan:
    """What of a set is pending here, by reading alone.

    :param request: of the run, its backup and its confirmation nothing is needed yet.
    :raises BadRequest: the set cannot be used, or something is expected of a table that is not there.
    :raises Refused: files and history contradict each other, or the history cannot be trusted, or the tool of a command
        did not say whether anything is pending.
    """
    found, target, expectations = request.source.preview(), request.target, request.wanted.expectations
    asked = _Set.of(found, request.set_name)
    versions = _versions(request, target, "plan")
    answer = _answer(request)
    with session(login_triggers.silenced(target), purpose="plan") as reader:
        pending = _decided(reader, asked, request.accepted, answer)
        newest = "" if request.source.by_command else _newest(reader, asked.name)
        sessions = reader.rows(queries.SESSIONS, (target.dbname, [reader.pid]))
        if pending and expectations:
            expected.require_known(expectations, [table.label for table in fingerprint.tables(reader)])
    applied, baseline = ([file.name for file in part] for part in (pending.files, pending.baseline))
    return Plan(
        digest=found.digest,
        steps=found.steps,
        files=applied,
        baseline=baseline,
        sessions=len(sessions),
        versions=versions,
        version=tool_histories.told(versions) if request.source.by_command else "",
        newest=newest,
        asked=request.redacted(answer.by) if answer else "",
    )


def _newest(reader: Session, set_name: str) -> str:
    found = [file.name for file in applied_files.read(reader) if file.set_name == set_name]
    return found[-1] if found else ""


def _versions(request: MigrateRequest, target: Target, purpose: str) -> tuple[ToolVersion, ...]:
    return tool.versions(target, request.tool_options, purpose) if request.source.by_command else ()


def _answer(request: MigrateRequest) -> tool.Answer | None:
    """What the tool of a command says; None where the history of this collection decides.

    :raises Refused: it was asked, and gave no answer.
    """
    asked = _question(request)
    if asked is None:
        return None
    return tool.ask(asked, request.command(request.target, tool.READ_ONLY, "plan"), request.redacted)


def _question(request: MigrateRequest) -> tool.Question | None:
    source = request.source
    return tool.question(request.tool_options, source.command) if source.by_command else None


@dataclass(frozen=True)
class _Set:
    """What the history of a database is compared with."""

    listing: Listing
    step: str
    digest: str
    name: str
    tree: Tree = NO_TREE

    @staticmethod
    def of(found: Preview, name: str) -> _Set:
        return _Set(found.listing, found.steps[0], found.digest, name, found.tree)


def foreseen(request: MigrateRequest, reader: Session) -> Pending:
    """What of a set is pending in the session's database, as :func:`plan` says it.

    :raises Refused: as :func:`plan`.
    """
    asked = _Set.of(request.source.preview(), request.set_name)
    return _decided(reader, asked, request.accepted, _answer(request))


def _decided(reader: Session, asked: _Set, accepted: Accepted, answer: tool.Answer | None) -> Pending:
    if answer is None:
        return _pending(reader, asked, accepted)
    # The history of the tool decides, though the same command was run before.
    return _one_step(asked) if answer.pending else Pending()


def _one_step(asked: _Set) -> Pending:
    parts = ((ITS_TREE, asked.tree.digest),) if asked.tree.digest else ()
    return Pending((File(asked.step, asked.digest, parts=parts, tree=asked.tree.named),))


def _pending(reader: Session, asked: _Set, accepted: Accepted) -> Pending:
    """A command whose tool says nothing is known by its digest."""
    history = applied_files.read(reader)
    if asked.listing.files:
        return pendings.of(asked.listing, history, asked.name, accepted)
    done = any((file.kind, file.sha256) == (applied_files.COMMAND, asked.digest) for file in history)
    return Pending() if done else _one_step(asked)


def run(request: MigrateRequest) -> Outcome:
    """Apply a migration set behind a proven backup.

    :raises Refused: there is no proof, no confirmation, or the backup is of another run or database.
    :raises MigrationFailed: the migration failed and was rolled back, or could not be, or is held; the outcome says
        which.
    """
    manifest, run_journal = _permit(request)
    with run_journal.held():
        permit.require_unused(run_journal)
        permit.require_fenced(run_journal)
        run_journal.append(Event.CONFIRMED, database=request.confirmed_database, by=request.confirmed_by)
        migration = request.source.load(run_journal.directory / _STAGING)
        asked = _Set(migration.listing, migration.names[0], migration.digest, request.set_name, migration.tree)
        with session(login_triggers.silenced(request.target), purpose="plan") as reader:
            # A tool was asked a moment ago, by the module; others cannot write while it would be asked again.
            pending = _pending(reader, asked, request.accepted) if _question(request) is None else _one_step(asked)
        if not pending:
            raise Refused("Nothing of the migration set is pending any more: another run has applied it.")
        _require_promoted(request.promoted, pending, run_journal)
        return _Window(request, migration, pending, manifest, run_journal).run()


def _require_promoted(permit_of_records: Permit, pending: Pending, run_journal: Journal) -> None:
    """
    :raises Refused: a file is not the one that passed in a required environment.
    """
    steps = _steps(pending)
    permit_of_records.require(steps)
    if by := permit_of_records.told(steps):
        run_journal.append(Event.PROMOTED, by=by)


def _steps(pending: Pending) -> list[Step]:
    return [Step(file.name, file.sha256, file.parts) for file in pending.files]


def permitted(request: MigrateRequest) -> Journal:
    """The journal of the run that the migration may begin in, by reading alone.

    :raises Refused: as in :func:`run`, before anything was closed.
    """
    run_journal = _permit(request)[1]
    permit.require_unused(run_journal)
    permit.require_fenced(run_journal)
    return run_journal


def _permit(request: MigrateRequest) -> tuple[Manifest, Journal]:
    manifest, run_journal = permit.granted(request.claim)
    expected.require_known(request.wanted.expectations, manifest.fingerprint.tables)
    if request.on_verify_failure == hold.HOLD:
        hold.require_closing(fence.recorded(run_journal))
    return manifest, run_journal


class _Window:
    """Closed and armed, until the verdict."""

    def __init__(
        self,
        request: MigrateRequest,
        migration: MigrationSet,
        pending: Pending,
        manifest: Manifest,
        run_journal: Journal,
    ) -> None:
        self._request = request
        self._migration = migration
        self._pending = pending
        self._manifest = manifest
        self._journal = run_journal
        self._fence = fence.recorded(run_journal)
        # The jobs of the migration fire login event triggers, as it is used to; sessions of our own do not.
        self._way_in = self._own_way_in = request.target
        self._purpose = f"migration {run_journal.run_id}"
        self._applied: list[Applying] = []
        self._file_runs: list[FileRun] = []
        self._lockable: dict[int, str] | None = None
        self._sessions_ended = 0
        self._writes: int | None = 0
        self._came_back = 0
        self._started = self._closing = self._armed = self._opened = time.monotonic()
        self._verification: VerificationReport | None = None
        self._idle = False
        self._warnings: tuple[str, ...] = ()
        self._before: tuple[ToolVersion, ...] = ()
        self._after: tuple[ToolVersion, ...] | None = None
        self._retained: copies.Ready | None = None
        self._at_closing: counters.Counters | None = None
        self._rows_at_closing: Mapping[str, int] = {}
        self._marks: Marks | None = None
        self._leave: Callable[[], None] = _nothing

    def run(self) -> Outcome:
        try:
            return self._run()
        finally:
            # Where that fails the next run does it.
            with suppress(PgsafeError):
                self._leave()

    def _run(self) -> Outcome:
        self._close()
        asked = self._request
        facts = {"backup_dir": str(asked.backup_dir), "sequences": asked.sequences, "version": self._told(self._before)}
        self._journal.append(Event.ARMED, digest=self._migration.digest, **facts)
        self._armed = time.monotonic()
        try:
            with signals.raised():
                self._migrate()
        except BaseException as error:  # noqa: BLE001  # any end of the window but success puts the database back
            with signals.passed_over():
                self._undo(_cause(error))
        with signals.passed_over():
            return self._end()

    def _close(self) -> None:
        """No other session is connected from here on, and none has written since the snapshot.

        :raises PgsafeError: it could not be made so; the database is open again and was not changed.
        """
        try:
            with signals.raised():
                self._way_in = self._closed()
        except BaseException as error:  # any failure before the window opens the database
            cause = _cause(error)
            with signals.passed_over():
                self._journal.append(Event.GIVING_UP, error=cause.what)
                self._open_after(cause)
            raise cause from error

    def _closed(self) -> Target:
        target = self._request.target
        whereabouts.require_elsewhere(target)
        whereabouts.require_free(target, self._manifest)
        with session(login_triggers.silenced(target), WRITING, self._purpose) as server:
            _require_none_prepared(server)
            self._sessions_ended = len(server.rows(queries.SESSIONS, (target.dbname, [server.pid])))
        if self._fence is not None and self._fence.followed:
            self._fence = self._proven_equal(self._fence)
        way_in = fence.close(target, self._fence, self._journal) if self._fence else target
        self._own_way_in = login_triggers.silenced(way_in)
        self._require_unwritten(self._own_way_in)
        with session(self._own_way_in, WRITING, self._purpose) as server:
            cutover.end_sessions(server, way_in.dbname)
            self._writes = self._written_by_others(server)
        if self._fence is not None and self._fence.followed:
            follow.give_back(target, way_in.dbname, self._journal)
        if self._fence is not None and self._fence.kind in fence.CLOSING:
            self._marks = self._marks_now()
        if self._fence is not None and self._fence.judged_as_closed:
            self._judge_by_now(self._fence)
        if self._fence is not None and self._fence.copied:
            of_files.make(target, way_in.dbname, self._ready_name, self._journal, self._request.copy_timeout)
        self._before = _versions(self._request, way_in, self._purpose)
        return way_in

    @property
    def _ready_name(self) -> str:
        return names.beside(self._request.target.dbname, "ready", self._journal.run_id)

    def _proven_equal(self, raised: fence.Fence) -> fence.Fence:
        """The fence, read-only by now, with the counters that show a write from here on."""
        asked = self._request
        found = equal.prove(asked.target, raised, self._manifest, self._journal, asked.jobs, asked.copy_timeout)
        self._leave, self._closing, self._rows_at_closing = found.leave, time.monotonic(), found.rows
        return replace(raised, seen=found.seen, since=found.since)

    def _judge_by_now(self, raised: fence.Fence) -> None:
        """What the migration is judged by, since clients have written after the backup."""
        target, closed = self._request.target, self._own_way_in
        rows = self._rows_at_closing if raised.followed else self._counted()
        found = migration_verify.as_it_is(closed, self._manifest, rows, self._purpose)
        with session(target.maintenance, purpose=self._purpose) as server:
            held = fence.unfenced(properties.read(server, closed.dbname), raised)
        self._manifest = replace(found, properties=held)
        self._at_closing = counters.take(closed)
        as_closed.write(self._journal, as_closed.AsClosed(self._manifest, self._at_closing))

    def _counted(self) -> dict[str, int]:
        """Rows by table; those that no client has written to since the backup are known."""
        written = written_tables.since(self._journal, self._marks) if self._marks else None
        counted = fingerprint.rows_of(self._own_way_in, self._request.jobs, self._purpose, written)
        if written is None:
            return counted
        backed_up = self._manifest.fingerprint.rows
        return {**{label: rows for label, rows in backed_up.items() if label not in written}, **counted}

    def _written_by_others(self, server: Session) -> int | None:
        """At most so many rows since the snapshot; None where the statistics were reset since, or count nothing.

        A bound once every session has gone and reported its counts. Behind the read-only fence the change counters have
        proven that there are none, where the statistics would count those of an ANALYZE. A copy of the closed
        database's files has them all, and so has one that was followed to the end.
        """
        if self._fence is not None and (self._fence.read_only or self._fence.judged_as_closed):
            return 0
        counted, statistics = server.row(queries.TUPLES_WRITTEN)
        if not statistics or statistics != self._manifest.statistics:
            return None
        return int(counted) - self._manifest.tuples_written

    def _require_unwritten(self, way_in: Target) -> None:
        """
        :raises Refused: a session wrote under the read-only fence, so the backup is not what a rollback must restore.
        """
        written = fence.written_since(self._fence, way_in) if self._fence else ()
        if self._fence and self._fence.followed and fence.RESET in written:
            raise Refused(
                f"Since {self._request.target.dbname} was compared with its copy {fence.RESET}.", remedy="Run again."
            )
        if fence.RESET in written:
            written = rollback.differences(way_in, self._manifest, self._request.jobs, self._journal)
            if written:
                raise Refused(
                    f"Since the backup of {self._request.target.dbname} {fence.RESET}, and the database differs from "
                    f"the backup: {'; '.join(written[:5])}.",
                    remedy="Run again. After a crash, sequences may have advanced although no client wrote.",
                )
        if written:
            raise Refused(
                f"A session wrote to {self._request.target.dbname} in spite of the read-only fence, after the backup: "
                f"{'; '.join(written[:5])}.",
                remedy="Find what sets default_transaction_read_only, or begins READ WRITE transactions; run again.",
            )

    def _open_after(self, error: PgsafeError) -> None:
        try:
            fence.undo(self._request.target, self._journal)
        except PgsafeError as undo:
            error.joined(f"the fence could not be lifted: {undo.what} {undo.remedy}")

    def _migrate(self) -> None:
        self._apply()
        self._verify()

    def _end(self) -> Outcome:
        """Forwards only: the verdict is in, and what is left is to open the database."""
        self._journal.append(Event.ACCEPTED, verdict=Verdict.MIGRATED, **self._counters())
        try:
            self._warnings += fence.undo(self._request.target, self._journal).failures
        except PgsafeError as error:
            raise error.with_state(
                f"The migration was applied and verified, but {self._request.target.dbname} could not be opened; "
                "the next run opens it before anything else."
            ) from error
        self._opened = time.monotonic()
        self._journal.append(Event.MIGRATED, digest=self._migration.digest, version=self._told(self._after or ()))
        self._retain_verified_copy()
        self._drop_verified_copy()
        self._report_waiting(self._outcome(Verdict.MIGRATED))
        return replace(self._outcome(Verdict.MIGRATED), copy=self._retained)

    def _report_waiting(self, outcome: Outcome) -> None:
        """How long clients have waited is known once the database is open; no verdict changes by it."""
        if outcome.waited is None:
            return
        for line in verification_report.waiting(outcome.predicted, outcome.waited):
            self._journal.note(line)
        if self._verification is None:
            return
        self._verification = replace(self._verification, waited=outcome.waited, predicted=outcome.predicted)
        try:
            verification_report.write_for_people(self._request.backup_dir, self._verification)
        except FileFailed as error:
            self._warnings += (f"The report does not say how long clients have waited: {error.what}",)

    def _counters(self) -> dict[str, object]:
        """What a later rollback counts from; of a closed database once every session has reported what it wrote."""
        if self._fence is not None and self._fence.kind in fence.CLOSING:
            try:
                with session(self._own_way_in, WRITING, self._purpose) as server:
                    cutover.end_sessions(server, self._own_way_in.dbname)
            except PgsafeError as error:
                self._warnings += (f"Sessions may have been left at the verdict: {error.what}",)
        return verdict_counters.take(self._own_way_in)

    def _retain_verified_copy(self) -> None:
        if not self._request.keep_copy_seconds:
            return
        try:
            span = timedelta(seconds=self._request.keep_copy_seconds)
            self._retained = copies.retain(self._request.target, self._journal, span)
        except PgsafeError as error:
            self._warnings += (f"The verified copy could not be retained: {error.what}",)
        else:
            if self._retained is None:
                self._warnings += ("There is no verified copy to retain: the backup was proven elsewhere.",)

    def _drop_verified_copy(self) -> None:
        try:
            copies.drop_ready(self._request.target, self._journal)
        except PgsafeError as error:
            self._warnings += (f"The verified copy could not be dropped: {error.what}",)

    def _apply(self) -> None:
        migration, request = self._migration, self._request
        if migration.command:
            started, name = time.monotonic(), migration.names[0]
            with self._timed(name):
                self._log(self._run_job(request.command(self._way_in, WRITING, self._purpose)).stdout)
            self._note_applied(Applying(name, applied_files.COMMAND, migration.digest, 1, seconds=_since(started)))
            self._note_version()
        by_name = {file.name: file for file in migration.files}
        if by_name:
            with session(self._own_way_in, WRITING, self._purpose) as server:
                self._look_at_tables(server)
        for file in self._pending.files if by_name else ():
            self._apply_file(by_name[file.name])
        with session(self._own_way_in, WRITING, self._purpose) as server:
            recorded = [*self._not_run(), *self._applied]
            applied_files.write(server, request.set_name, self._journal.run_id, recorded)

    def _not_run(self) -> Iterator[Applying]:
        """What is recorded of files that this run does not apply."""
        for file in self._pending.baseline:
            yield Applying(file.name, applied_files.BASELINE, file.sha256, self._place(file.name))
        for file in self._pending.changed:
            reason = self._request.accepted.changed[file.name]
            yield Applying(file.name, applied_files.ACCEPTED, file.sha256, self._place(file.name), reason=reason)

    def _place(self, name: str) -> int:
        return [file.name for file in self._migration.files].index(name) + 1

    def _apply_file(self, file: SqlFile) -> None:
        """
        :raises NotCommitted: psql ended without an error, and the file did not take effect as a whole.
        """
        self._journal.append(Event.APPLYING, file=file.name)
        started = time.monotonic()
        known = self._lockable
        asked = psql_file.FileRun.of(file.name, file.transactional, self._path(file), known is not None)
        tools = client_tools.find(self._request.target, self._manifest.server_major)
        psql = self._request.job(self._way_in, asked.argv(tools), WRITING, self._purpose)
        with self._timed(file.name):
            done = self._run_job(replace(psql, cwd=str(self._migration.root)))
            self._log(asked.said(done))
            with session(self._own_way_in, WRITING, self._purpose) as server:
                asked.require_effect(done, server)
                self._look_at_tables(server)
        self._file_runs[-1] = replace(self._file_runs[-1], locks=asked.locks(done, known or {}))
        kind = applied_files.REPEATED if file.repeatable else applied_files.APPLIED
        reason = self._request.accepted.again.get(file.name, "")
        self._note_applied(
            Applying(
                file.name, kind, file.sha256, self._place(file.name), file.transactional, _since(started), reason
            )
        )

    def _look_at_tables(self, server: Session) -> None:
        """The tables that the next file may lock."""
        self._lockable = table_locks.labels(server) if table_locks.visible(server) else None

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        """What ran in the block, also when it failed."""
        started, failed = time.monotonic(), True
        try:
            yield
            failed = False
        finally:
            self._file_runs.append(FileRun(name, _since(started), failed))

    def _path(self, file: SqlFile) -> str:
        """The file itself, or one that has only what runs of it."""
        if not file.text:
            return file.name
        path = self._journal.directory / _PARTS / file.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_text(path, file.text)
        return str(path)

    def _run_job(self, job: commands.Command) -> commands.Completed:
        mark = {commands.JOB_VARIABLE: str(self._journal.directory)}
        try:
            done = commands.run(replace(job, env={**job.env, **mark}))
        except CommandFailed as error:
            # A command may print what it connects with.
            error.what = self._request.redacted(error.what)
            self._log(error.stderr)
            raise
        self._log(done.stderr)
        return done

    def _log(self, said: str) -> None:
        if said.strip():
            self._journal.note(self._request.redacted(said.rstrip()))

    def _note_version(self) -> None:
        """What cannot be read of a tool's history fails no migration."""
        try:
            self._after = _versions(self._request, self._own_way_in, self._purpose)
        except Refused as error:
            self._warnings += (f"The version after the migration could not be read: {error.what}",)

    def _told(self, versions: tuple[ToolVersion, ...]) -> str:
        return tool_histories.told(versions) if self._request.source.by_command else ""

    def _note_applied(self, done: Applying) -> None:
        self._applied.append(done)
        self._journal.append(Event.APPLIED, file=done.name)

    def _verify(self) -> None:
        """
        :raises VerificationFailed: the migration succeeded by its exit status, and did harm.
        """
        request = self._request
        with session(self._own_way_in, WRITING, self._purpose) as server:
            self._require_same_database(server)
        # A baseline by itself runs nothing.
        wanted = request.wanted if self._pending.files else replace(request.wanted, may_do_nothing=True)
        written = partial(self._wrote, self._at_closing) if self._at_closing else None
        found = migration_verify.run(
            self._own_way_in, self._manifest, wanted, request.jobs, self._purpose, written, self._touched()
        )
        self._verification = self._report(found)
        self._idle = found.idle
        report = verification_report.write(request.backup_dir, self._verification)
        if not found.passed:
            raise VerificationFailed(found.failure)
        with session(self._own_way_in, WRITING, self._purpose) as server:
            applied_files.mark_verified(server, self._journal.run_id)
        self._keep_evidence(found.catalog, report)

    def _touched(self) -> frozenset[str] | None:
        """Labels of the tables that the migration has touched, once its sessions have reported; None for any."""
        now = self._marks_now() if self._marks else None
        return table_marks.touched(self._marks, now) if self._marks and now else None

    def _marks_now(self) -> Marks | None:
        """None while a session that cannot be ended may have written what it has not reported."""
        try:
            with session(self._own_way_in, WRITING, self._purpose) as server:
                cutover.end_sessions(server, self._own_way_in.dbname)
                return table_marks.take(server)
        except Interrupted:
            raise
        except PgsafeError as error:
            self._journal.note(f"Every table is read, as what was written to them is not known: {error.what}")
            return None

    def _wrote(self, before: counters.Counters) -> bool | None:
        """Whether the migration has written a row, once its sessions have reported; None where that is not counted."""
        with session(self._own_way_in, WRITING, self._purpose) as server:
            cutover.end_sessions(server, self._own_way_in.dbname)
        now = counters.take(self._own_way_in)
        return before.rows_written != now.rows_written if counters.comparable(before, now) else None

    def _keep_evidence(self, catalog: Catalog, report: files.Digest) -> None:
        """What a promotion record is made of; a good migration does not fail for want of it."""
        armed, manifest, ran = self._journal.last(Event.ARMED), self._manifest, self._applied
        pending = {file.name: file for file in self._pending.files}
        found = Evidence(
            run_id=self._journal.run_id,
            database=manifest.identity.name,
            set_name=self._request.set_name,
            server_version=manifest.server_version_text,
            server_major=manifest.server_major,
            began=armed.time if armed else "",
            verified=now(),
            digest=self._migration.digest,
            steps=[{**asdict(file), **_named_by(pending[file.name])} for file in ran],
            before=schema.inventory(manifest.fingerprint.catalog),
            after=schema.inventory(catalog),
            report=(manifests.VERIFICATION_JSON, report.sha256),
            versions=[asdict(change) for change in self._version_changes()],
        )
        try:
            evidence.write(self._request.backup_dir, found)
        except FileFailed as error:
            self._warnings += (f"No promotion record can be made of this run: {error.what}",)

    def _report(self, found: Verification) -> VerificationReport:
        """With what was applied, and with the version before and after."""
        unmoved = f"The command succeeded, but the version is as before: {tool_histories.told(self._before)}."
        warnings = (unmoved,) if tool_histories.unmoved(self._before, self._after) else ()
        return replace(
            VerificationReport.of(replace(found, warnings=found.warnings + warnings), self._manifest),
            files=(*self._not_run(), *self._applied),
            versions=self._version_changes(),
            promotion=self._request.promoted.told(_steps(self._pending)),
        )

    def _version_changes(self) -> tuple[VersionChange, ...]:
        return tool_histories.changes(self._before, self._after)

    def _require_same_database(self, server: Session) -> None:
        """
        :raises VerificationFailed: a command has dropped the database and made another one of its name.
        """
        if identity.read(server).oid != self._manifest.identity.oid:
            raise VerificationFailed(
                f"The migration has replaced {self._request.target.dbname} with another database."
            )

    def _undo(self, cause: PgsafeError) -> NoReturn:
        """Every backend of the job gone, then look, then restore what differs."""
        self._journal.append(Event.FAILED, error=cause.what)
        held = self._request.on_verify_failure == hold.HOLD and not self._idle
        if isinstance(cause, VerificationFailed) and held:
            self._hold(cause)
        target, backup_dir, jobs = self._request.target, self._request.backup_dir, self._request.jobs
        request = rollback.RollbackRequest(target, backup_dir, jobs, in_window=True, unmoved=self._idle)
        try:
            done = recover.finish(recover.Run(target, request, self._journal), Decision.ROLL_BACK)
        except PgsafeError as undo:
            # Of its own doing that may be so; of the migration's it is not.
            cause.joined(str(undo.with_state("") if undo.state == NOTHING_CHANGED else undo))
            raise MigrationFailed(
                cause,
                self._outcome(Verdict.ROLLBACK_FAILED),
                "ROLLBACK FAILED: the database is in the state that the failed migration left.",
                f"Fix the cause, then run: {playbooks.rolling_back(str(request.backup_dir))}",
            ) from cause
        self._opened = time.monotonic()
        self._came_back = done.sessions_ended
        self._warnings += done.warnings
        self._report_waiting(self._outcome(Verdict.ROLLED_BACK))
        raise self._undone(cause, done.restored) from cause

    def _hold(self, cause: VerificationFailed) -> NoReturn:
        """The migration was applied in full, and may be right: closed, it waits for a person's word."""
        commands.end_marked(self._journal.directory)
        self._journal.append(Event.HELD)
        self._give_log_back()
        self._opened = time.monotonic()
        raise MigrationFailed(cause, self._outcome(Verdict.HELD), hold.STATE, hold.choices(self._journal)) from cause

    def _give_log_back(self) -> None:
        """A person may take days, and what was changed is known: the migration stays until then."""
        if self._fence is None:
            return
        try:
            with session(self._request.target.maintenance, WRITING, self._purpose) as server:
                log_evidence.end(server, self._journal, self._fence.identity)
        except PgsafeError as error:
            self._warnings += (f"The write-ahead log is still kept for this run: {error.what}",)

    def _undone(self, cause: PgsafeError, restored: rollback.Restored | None) -> MigrationFailed:
        if restored is None or restored.state is RestoreState.NOT_NEEDED:
            as_before = f"The database {self._request.target.dbname} is as it was before."
            state = as_before if self._warnings else NOTHING_CHANGED
            return MigrationFailed(cause, self._outcome(Verdict.FAILED_UNCHANGED, restored), state, "")
        return MigrationFailed(
            cause,
            self._outcome(Verdict.ROLLED_BACK, restored),
            f"The database {restored.database} was rolled back and is as it was before"
            f"{losses.exception(restored.not_given_back)}; the failed one is kept as {restored.kept}."
            f"{self._lost(restored.kept)}",
            f"When it is no longer needed: DROP DATABASE {quoted(restored.kept)}",
        )

    def _lost(self, kept: str) -> str:
        """What others wrote and the rollback took back; what came in during the migration cannot be told apart."""
        lost = ""
        if self._writes != 0:
            most = "an unknown number of" if self._writes is None else f"at most {self._writes:,}"
            lost = f" What others wrote between the backup and the migration, {most} rows, is in {kept} only."
        if self._came_back:
            lost += f" {self._came_back} sessions came back during the migration; what they wrote is in {kept} only."
        return lost

    def _outcome(self, verdict: Verdict, restored: rollback.Restored | None = None) -> Outcome:
        return Outcome(
            verdict=verdict,
            applied=tuple(done.name for done in self._applied),
            sessions_ended=self._sessions_ended,
            writes_since_backup=self._writes,
            seconds=round(time.monotonic() - self._started, 3),
            verification=self._verification,
            rollback=restored,
            fence=self._fence.kind if self._fence else fence.NONE,
            seconds_read_only=self._since_read_only(),
            seconds_closed=round(self._opened - self._closing, 3),
            seconds_migrating=round(max(0.0, self._opened - self._armed), 3),
            seconds_asking=self._since_proof(),
            predicted=self._fence.predicted if self._fence else None,
            warnings=self._warnings,
            versions=self._version_changes(),
            file_runs=tuple(self._file_runs),
        )

    def _since_proof(self) -> float:
        """Seconds of the read-only stage from the proof to the confirmation."""
        proven, confirmed = self._journal.last(Event.VERIFIED), self._journal.last(Event.CONFIRMED)
        if self._fence is None or not self._fence.read_only or proven is None or confirmed is None:
            return 0.0
        return max(0.0, (confirmed.moment - proven.moment).total_seconds())

    def _since_read_only(self) -> float | None:
        """Other processes began it, so it is by the clock on the wall."""
        if self._fence is None or self._fence.since is None:
            return None
        if not (self._fence.read_only or (self._fence.followed and self._fence.seen)):
            return None
        return round(time.time() - (time.monotonic() - self._opened) - self._fence.since, 3)


def _nothing() -> None:
    """There is nothing to be left."""


def _named_by(file: File) -> dict[str, list[dict[str, str]]]:
    """The files that a step names, for a promotion record."""
    named = {"parts": file.parts, "tree": file.tree}
    return {key: [{"name": name, "sha256": sha256} for name, sha256 in found] for key, found in named.items()}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _require_none_prepared(server: Session) -> None:
    """
    :raises Refused: one that others have left open; in the window it could not be told from the migration's own.
    """
    prepared = [gid for (gid,) in server.rows(queries.PREPARED_HERE)]
    if prepared:
        raise Refused(
            f"Prepared transactions are open in {server.target.dbname}: {', '.join(prepared)}.",
            remedy="Commit or roll them back, then run again.",
        )


def _cause(error: BaseException) -> PgsafeError:
    if isinstance(error, PgsafeError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("The migration was interrupted.")
    return Interrupted(f"The migration was aborted by an internal error: {type(error).__name__}: {error}.")
