# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The read-only stage of a database whose verified copy has followed it: both are proven to have equal content.

It has a limit. Beyond it, or where the two differ, the caller lifts the fence and refuses; no client has lost a write.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from .. import names
from ..backup_set.manifest import Manifest
from ..compare import fingerprint
from ..compare.catalog import facts as catalog
from ..copies import copy as copies
from ..copies.copy import Ready
from ..errors import PgsafeError, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import AS_RESTORED, SOURCE, Fingerprint, Target
from ..ports import parallel
from ..ports.database import ONE_SNAPSHOT, Session, application_name, identifier, literal, session, statement
from ..postgres import cutover, logical, login_triggers, queries
from . import counters, follow, passes
from . import run as fence
from .counters import Counters
from .run import Fence

_PURPOSE = passes.PURPOSE
_PAUSE_SECONDS = 0.02
# Beyond it a copy goes to the disk.
_IN_MEMORY_BYTES = 16 << 20

_UNLOGGED = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND c.oid >= 16384
"""
# A restore makes them in the order in which they depend on each other.
_FILLED_VIEWS = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid
"""


@dataclass(frozen=True)
class Equal:
    """:param rows: of the database, by table.
    :param seen: the change counters before the comparison.
    :param since: seconds of the clock since the database is read-only.
    :param leave: drops what the comparison needed; it takes a checkpoint, so not while clients wait.
    """

    rows: Mapping[str, int]
    seen: Counters
    since: float
    leave: Callable[[], None]


class _Limit:
    """The time of the stage; every statement of it that is at work when it is over is ended."""

    def __init__(self, target: Target, databases: tuple[str, ...], seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._databases = databases
        self._deadline = time.monotonic() + seconds
        self.over = False

    def check(self) -> None:
        """
        :raises Refused: the time is over.
        """
        if self.over or time.monotonic() > self._deadline:
            raise self.too_slow()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.check()
            time.sleep(_PAUSE_SECONDS)

    def too_slow(self) -> Refused:
        return Refused(
            f"{self._databases[0]} and its copy were not proven equal within {self._seconds:g} s of read-only time.",
            remedy="The log of the run says what was read whole, and why. Raise pg_migrate_jobs or "
            "pg_migrate_limits.copy_timeout, or choose another pg_migrate_fence.",
        )

    def end_sessions(self, done: threading.Event) -> None:
        if done.wait(self._deadline - time.monotonic()):
            return
        self.over = True
        try:
            with session(self._target.maintenance, cutover.DURABLE, "limit") as server:
                while not done.wait(_PAUSE_SECONDS):
                    for name in self._databases:
                        for purpose in (_PURPOSE, follow.PURPOSE):
                            server.execute(queries.TERMINATE_OURS, (name, application_name(purpose)))
        except PgsafeError:
            # The server is gone, and with it what was at work.
            return


def prove(
    target: Target, raised: Fence, manifest: Manifest, run_journal: Journal, jobs: int, seconds: float
) -> Equal:
    """Make the database read-only, bring its copy up to date, and compare both; the copy is closed then.

    :param seconds: how long it may be read-only.
    :raises Refused: the schema changed, the copy does not follow, or they are not equal in time; to be undone.
    """
    target, ready = login_triggers.silenced(target), _following(run_journal)
    live, copy = target.database(raised.identity.name), target.database(ready.name)
    name = follow.name_of(run_journal.run_id, raised.identity)
    sides = _sides((live, raised.identity.oid), (copy, ready.oid), manifest, run_journal)
    with ExitStack() as stack:
        server = stack.enter_context(session(target.maintenance, cutover.DURABLE, _PURPOSE))
        _require_same_schema(live, manifest, run_journal)
        follow.catch_up(server, copy, name)
        _fill_views(copy)
        read = stack.enter_context(passes.prepared(server, sides, run_journal, raised.identity, jobs))
        follow.catch_up(server, copy, name)
        started = time.time()
        run_journal.append(Event.READING_ONLY, clock=started)
        log = names.beside(live.dbname, "log", run_journal.run_id)
        with _limited(target, (live.dbname, copy.dbname, log), seconds) as limit:
            fence.read_only(server, raised, limit.check)
            position = server.value(logical.POSITION)
            limit.wait_for(partial(_applied, server, copy, name, position))
            follow.stop(server, target, raised.identity, live.dbname, run_journal, limit.check)
            _carry(live, copy)
            limit.check()
            seen = counters.take(live)
            found = read()
            _require_equal(found, live.dbname, copy.dbname, run_journal)
            limit.check()
        logical.drop_slot(server, follow.log_slot_of(run_journal.run_id, raised.identity))
        copies.set_ready(target, ready.name, run_journal)
        run_journal.append(Event.EQUAL, seconds=round(time.time() - started, 3))
        return Equal(found[live.dbname].rows, seen, started, stack.pop_all().close)


def _sides(
    live: tuple[Target, int], copy: tuple[Target, int], manifest: Manifest, run_journal: Journal
) -> list[passes.Side]:
    ways = [(*live, SOURCE, "live"), (*copy, AS_RESTORED, "copy")]
    return [
        passes.Side(target, oid, generation, manifest.fingerprint, run_journal.directory / f"blocks_{name}")
        for target, oid, generation, name in ways
    ]


def _following(run_journal: Journal) -> Ready:
    ready = copies.recorded_ready(run_journal)
    if ready is None or run_journal.last(Event.FOLLOWING) is None or not run_journal.state.published:
        raise Refused(
            f"No verified copy follows {run_journal.database}.",
            remedy="Verify the backup of the run by the level restore and proof: verified_copy.",
        )
    return ready


def _require_same_schema(live: Target, manifest: Manifest, run_journal: Journal) -> None:
    """Before any client is disturbed.

    :raises Refused: DDL ran since the backup, which logical replication does not carry.
    """
    with session(live, purpose=_PURPOSE) as reader, reader.transaction(ONE_SNAPSHOT):
        now = follow.as_before(fingerprint.without_contents(reader, SOURCE), run_journal)
    changed = list(catalog.differences(manifest.fingerprint.catalog, now.catalog, exact=True))
    if changed:
        raise Refused(
            f"The schema of {live.dbname} changed since its backup, and a copy cannot follow that: "
            f"{'; '.join(changed[:5])}.",
            remedy="Stop schema changes, large objects among them, then run again.",
        )


def _applied(server: Session, copy: Target, name: str, position: str) -> bool:
    logical.behind(server, copy, name)
    return logical.reached(server, position, name)


@contextmanager
def _limited(target: Target, databases: tuple[str, ...], seconds: float) -> Iterator[_Limit]:
    limit = _Limit(target, databases, seconds)
    try:
        with parallel.beside(limit.end_sessions):
            yield limit
    except PgsafeError as error:
        if limit.over and not isinstance(error, Refused):
            raise limit.too_slow() from error
        raise


def _carry(live: Target, copy: Target) -> None:
    """What logical replication does not: sequences, and unlogged tables."""
    with session(live, purpose=_PURPOSE) as reader, session(copy, follow.SETTINGS, _PURPOSE) as writer:
        _carry_sequences(reader, writer)
        for table in reader.rows(_UNLOGGED):
            _carry_rows(reader, writer, identifier(*table))


def _fill_views(copy: Target) -> None:
    """While clients write, since it takes its time; what they hold is as old as any REFRESH leaves it."""
    with session(copy, follow.SETTINGS, _PURPOSE) as writer:
        for view in writer.rows(_FILLED_VIEWS):
            writer.execute(statement("REFRESH MATERIALIZED VIEW {view}", view=identifier(*view)))


def _carry_sequences(reader: Session, writer: Session) -> None:
    now, then = fingerprint.sequences(reader), fingerprint.sequences(writer)
    for schema, name in reader.rows(queries.SEQUENCES):
        state = now[f"{schema}.{name}"]
        if then.get(f"{schema}.{name}") != state:
            value, _comma, called = state.partition(",")
            text = "SELECT pg_catalog.setval({name}::pg_catalog.regclass, {value}, {called})"
            quoted = literal(identifier(schema, name).string)
            writer.execute(statement(text, name=quoted, value=literal(int(value)), called=literal(called == "t")))


def _carry_rows(reader: Session, writer: Session, table: object) -> None:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as rows:
        reader.copy_out(statement("COPY {table} TO STDOUT", table=table), rows)
        rows.seek(0)
        with writer.transaction():
            writer.execute(statement("DELETE FROM ONLY {table}", table=table))
            writer.copy_in(statement("COPY {table} FROM STDIN", table=table), iter(lambda: rows.read(1 << 20), b""))


def _require_equal(found: Mapping[str, Fingerprint], live: str, copy: str, run_journal: Journal) -> None:
    """By the content of every row, as closely as the backup was read.

    :raises Refused: they differ.
    """
    differing = fingerprint.differences(follow.as_before(found[live], run_journal), found[copy])
    if differing:
        raise Refused(
            f"The copy of {live} that has followed it is not equal to it: {'; '.join(differing[:5])}.",
            remedy="Large objects and schema changes cannot be followed: run again while there are none, or choose "
            "another pg_migrate_fence.",
        )
