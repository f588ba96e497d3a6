# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verified copy that follows its database by logical replication, so that clients write until the migration.

Publication, slot, subscription and replica identities are on a production server, and a slot that nobody drops fills
its disk. So each is journaled before it is made, and the undo looks at the catalogs: it can be repeated from anywhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from .. import names
from ..copies import copy as copies
from ..errors import PgsafeError, QueryFailed, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Fingerprint, Identity, Target
from ..ports.database import Session, session, snapshot_of_slot
from ..postgres import cutover, filesystems, logical, login_triggers, queries
from ..postgres.logical import Keyless
from ..text import size
from . import log_evidence

# A copy that is no further behind than this is brought up to date under the fence.
_CLOSE_SECONDS = 5.0
# A copy that gains a tenth in no pass for so long never comes close.
_GAINLESS_SECONDS = 600.0
# No worker has read anything for so long.
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.1

PURPOSE = "follow"

# Sessions of ours that change something here fire no trigger of the database's owner.
SETTINGS = {**cutover.DURABLE, "session_replication_role": "replica"}

# Less on the disk of the log, or less than half of what was free, and the slot is dropped.
_LEAST_FREE_BYTES = 1 << 30

_CANCELLED = "57014"


def name_of(run_id: str, identity: Identity) -> str:
    """Of the publication, the slot and the subscription of a run."""
    return log_evidence.slot_of(run_id, identity)


def log_slot_of(run_id: str, identity: Identity) -> str:
    """Of the slot that keeps the log while both sides are compared."""
    return f"{name_of(run_id, identity)}_log"


def publish(target: Target, run_journal: Journal, identity: Identity) -> None:
    """Publish every table, those without a key by whole rows.

    :raises PgsafeError: it could not be done; nothing of it is left.
    """
    name = name_of(run_journal.run_id, identity)
    with session(target, SETTINGS, PURPOSE) as server:
        tables = logical.keyless(server)
        _require_returnable(tables)
        run_journal.append(Event.PUBLISHING, publication=name, keyless=[asdict(table) for table in tables])
        try:
            logical.identify_by_row(server, tables)
            logical.publish(server, name)
            _require_none_new(server)
        except BaseException as error:
            _undo_after(target, run_journal, identity, error)
            raise


def _require_returnable(tables: list[Keyless]) -> None:
    lost = [table.label for table in tables if table.identity not in logical.GIVEN_BACK]
    if lost:
        raise Refused(
            f"The index that is the replica identity is missing or invalid: {', '.join(lost)}.",
            remedy=f"ALTER TABLE {lost[0]} REPLICA IDENTITY DEFAULT, or USING INDEX a valid one; then run again.",
        )


def _require_none_new(server: Session) -> None:
    """
    :raises Refused: clients could not update a table that was made a moment ago.
    """
    new = [table.label for table in logical.keyless(server)]
    if new:
        raise Refused(
            f"Tables without a key were created while the database was being published: {', '.join(new)}.",
            remedy="Stop schema changes, then run again.",
        )


def _undo_after(target: Target, run_journal: Journal, identity: Identity, error: BaseException) -> None:
    try:
        with session(target.maintenance, cutover.DURABLE, PURPOSE) as server:
            end(server, target, identity, identity.name, run_journal)
        give_back(target, identity.name, run_journal)
    except PgsafeError as problem:
        if isinstance(error, PgsafeError):
            error.joined(f"the publication could not be dropped: {problem.what}")


@contextmanager
def snapshot(target: Target, run_journal: Journal, identity: Identity, patience: float) -> Iterator[str]:
    """From a snapshot on, keep what is written; its name, which other sessions can import while the block runs.

    :param patience: seconds to wait for the transactions that run now.
    :raises Refused: they did not.
    """
    name = name_of(run_journal.run_id, identity)
    with session(target.maintenance, cutover.DURABLE, PURPOSE) as server:
        logical.drop_slot(server, name)
        free = filesystems.of_wal(server).free_bytes
        run_journal.append(Event.SLOTTING, slot=name, free_bytes=free)
        try:
            with snapshot_of_slot(target, name, max(1.0, patience)) as exported:
                yield exported
        except QueryFailed as error:
            if error.sqlstate != _CANCELLED:
                raise
            raise _not_settled(server, patience) from error


def _not_settled(server: Session, patience: float) -> Refused:
    waited_for = "; ".join(logical.writing_now(server)) or "they have just ended"
    return Refused(
        f"A replication slot starts once every transaction that has written has ended, which took longer than "
        f"{patience:g} s: {waited_for}.",
        remedy="Wait for them or end them (SELECT pg_terminate_backend(pid), ROLLBACK PREPARED), then run again.",
    )


def as_before(found: Fingerprint, run_journal: Journal) -> Fingerprint:
    """The fingerprint of a database without what the run has given it."""
    begun = run_journal.last(Event.PUBLISHING)
    if begun is None:
        return found
    catalog = logical.without_ours(found.catalog, begun.facts["publication"], _keyless(run_journal))
    return Fingerprint(**{**vars(found), "catalog": catalog})


def _keyless(run_journal: Journal) -> list[Keyless]:
    begun = run_journal.last(Event.PUBLISHING)
    return [Keyless(**table) for table in begun.facts["keyless"]] if begun else []


def begin(target: Target, run_journal: Journal, identity: Identity) -> float:
    """Let the verified copy follow; the seconds until it had nearly caught up.

    :raises Refused: it cannot, or it comes no closer.
    """
    ready = copies.recorded_ready(run_journal)
    if ready is None:
        raise Refused("No verified copy can follow the database: the proof of its backup kept none.")
    target, name = login_triggers.silenced(target), name_of(run_journal.run_id, identity)
    copy, started = target.database(ready.name), time.monotonic()
    with session(target.maintenance, cutover.DURABLE, PURPOSE) as server:
        address = logical.own_address(server, identity.name)
        run_journal.append(Event.SUBSCRIBING, name=ready.name, oid=ready.oid)
        with session(copy, SETTINGS, PURPOSE) as subscriber:
            logical.subscribe(subscriber, name, address)
        catch_up(server, copy, name)
    seconds = round(time.monotonic() - started, 3)
    run_journal.append(Event.FOLLOWING, seconds=seconds)
    return seconds


def catch_up(server: Session, copy: Target, name: str) -> None:
    """Wait until the copy is no more than seconds behind.

    :raises Refused: it follows no more, or comes no closer.
    """
    shortest, gained = math.inf, time.monotonic()
    while (seconds := _pass(server, copy, name)) >= _CLOSE_SECONDS:
        now = time.monotonic()
        if seconds < 0.9 * shortest:
            shortest, gained = seconds, now
        elif now - gained > _GAINLESS_SECONDS:
            raise Refused(
                f"The copy {copy.dbname} does not catch up: clients write as much as it can apply, and it is still "
                f"{size(logical.behind(server, copy, name))} behind.",
                remedy="Give large tables that are updated a primary key, or migrate when less is written.",
            )


def _pass(server: Session, copy: Target, name: str) -> float:
    """Seconds until the copy has what was written up to now."""
    started = idle_since = time.monotonic()
    position = server.value(logical.POSITION)
    while not logical.reached(server, position, name):
        logical.behind(server, copy, name)
        if logical.is_read(server, name):
            idle_since = time.monotonic()
        if time.monotonic() - idle_since > _PATIENCE_SECONDS:
            raise Refused(
                f"No worker of the server applies changes to the copy {copy.dbname}.",
                remedy="Read the server's log; raise max_logical_replication_workers, max_worker_processes or "
                "max_wal_senders.",
            )
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - started


def end(server: Session, target: Target, identity: Identity, name: str | None, run_journal: Journal) -> None:
    """The copy follows no more, nothing keeps the log, and nothing is published; safe to repeat.

    :param name: of the database now; None when it is gone.
    """
    if run_journal.state.published:
        stop(server, target, identity, name, run_journal)
        logical.drop_slot(server, log_slot_of(run_journal.run_id, identity))


def stop(
    server: Session,
    target: Target,
    identity: Identity,
    name: str | None,
    run_journal: Journal,
    check: Callable[[], None] = lambda: None,
) -> None:
    """As :func:`end`; but the log is kept as long as both sides are compared.

    :param check: raises what ends it earlier.
    """
    target, ours = login_triggers.silenced(target), name_of(run_journal.run_id, identity)
    ready = names.beside(identity.name, "ready", run_journal.run_id)
    if logical.is_subscribed(server, ours, ready):
        with session(target.database(ready), SETTINGS, PURPOSE) as copy:
            logical.unsubscribe(copy, ours)
    logical.drop_slot(server, ours, check)
    if name is not None:
        with session(target.database(name), SETTINGS, PURPOSE) as database:
            logical.unpublish(database, ours)


def give_back(target: Target, name: str | None, run_journal: Journal) -> None:
    """The replica identities as they were, once nothing is published: before that, clients could not update the tables.

    :param name: as for :func:`end`.
    :raises LockNotAvailable: clients have a table without a key all the time.
    """
    if not run_journal.state.published:
        return
    if name is not None:
        with session(login_triggers.silenced(target).database(name), SETTINGS, PURPOSE) as database:
            logical.give_identities_back(database, _keyless(run_journal))
    run_journal.append(Event.UNFOLLOWED)


def endangers_disk(server: Session, run_journal: Journal, identity: Identity) -> bool:
    """Drop the slot of a run before the log that it keeps fills the disk; whether it was dropped.

    Fails where the server does not answer.
    """
    begun, name = run_journal.last(Event.SLOTTING), name_of(run_journal.run_id, identity)
    if begun is None or not server.rows(queries.SLOT_EXISTS, (name,)):
        server.value("SELECT 1")
        return False
    before, free = begun.facts["free_bytes"], filesystems.of_wal(server).free_bytes
    if before is None or free is None or free >= min(_LEAST_FREE_BYTES, before // 2):
        return False
    for slot in (name, log_slot_of(run_journal.run_id, identity)):
        logical.drop_slot(server, slot)
    # It removes the log; the next one would come when clients have written as much as max_wal_size.
    server.execute("CHECKPOINT")
    return True
