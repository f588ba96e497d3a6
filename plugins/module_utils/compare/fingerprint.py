# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What two databases are compared by: rows and content of every table, large objects, sequences, the catalogs' facts.

Databases are compared here alone. A fingerprint knows how closely each table was read and of which generation it
is, so that :func:`differences` compares what can be compared; docs/fingerprint.md says what that is.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ..model import (
    AS_RESTORED,
    COUNTS,
    FULL,
    SOURCE,
    UNREADABLE,
    Facts,
    Fingerprint,
    LargeObjects,
    Table,
    TableState,
    Target,
)
from ..ports import parallel
from ..ports.database import ONE_SNAPSHOT, Session, identifier, statement
from ..ports.database import session as opened
from ..postgres import queries, snapshot
from .catalog import facts as catalog
from .contents import Contents, Part, Work
from .contents import read as read_part
from .reading_modes import Chosen, Like, Modes

# A session that holds a snapshot reads the materialized views up to this size.
_READ_VIEW_BYTES = 64 << 20
_UNREAD_CONTENT = "content not read"


def take(session: Session, generation: str = AS_RESTORED, like: Fingerprint | None = None) -> Fingerprint:
    """The fingerprint of the session's database, all of it in one snapshot, by this session alone.

    :param generation: ``SOURCE`` where it is compared with one of the same database that was never restored.
    :param like: the one to compare with: each table is read as closely as that one was; in full without it.
    :raises QueryFailed: a table cannot be read.
    """
    with _one_snapshot(session):
        contents = Contents(session, _modes(like))
        for work in contents.work():
            work.run(session)
        return assembled(session, contents, generation)


def of_database(
    target: Target,
    jobs: int,
    generation: str = AS_RESTORED,
    like: Fingerprint | None = None,
    purpose: str = "compare",
) -> Fingerprint:
    """As :func:`take`, by several sessions that share one exported snapshot.

    The caller makes sure that no session rewrites tables meanwhile: a copy has no other sessions, and a live database
    is fenced.

    :param jobs: sessions that read, beside the one that holds the snapshot.
    :raises QueryFailed: a table cannot be read.
    """
    return by_contents(target, jobs, generation, purpose, lambda holder: Contents(holder, _modes(like)))


def by_contents(
    target: Target, jobs: int, generation: str, purpose: str, contents_of: Callable[[Session], Contents]
) -> Fingerprint:
    """As :func:`of_database`.

    :param contents_of: gives the contents to read, for the session that holds the snapshot.
    """
    with opened(target, purpose=purpose) as holder, holder.transaction(ONE_SNAPSHOT):
        held = snapshot.Snapshot(holder.value(queries.EXPORT_SNAPSHOT), "", holder)
        contents = contents_of(holder)
        waiting = queued(contents.work())

        def read(stop: parallel.Stop) -> None:
            with snapshot.reader(target, held, purpose) as reader, stop.calling(reader.cancel):
                for work in taken_from(waiting, stop):
                    work.run(reader)

        parallel.together([read] * max(1, jobs))
        return assembled(holder, contents, generation)


def _modes(like: Fingerprint | None) -> Modes:
    return Like(like) if like else Chosen()


@contextmanager
def _one_snapshot(session: Session) -> Iterator[None]:
    """The caller's transaction, or one for the time of the block."""
    if session.in_transaction:
        yield
        return
    with session.transaction(ONE_SNAPSHOT):
        yield


def queued(work: Iterator[Work]) -> queue.SimpleQueue[Work]:
    waiting: queue.SimpleQueue[Work] = queue.SimpleQueue()
    for piece in work:
        waiting.put(piece)
    return waiting


def taken_from(waiting: queue.SimpleQueue[Work], stop: parallel.Stop) -> Iterator[Work]:
    """What several readers do, one piece after another until nothing is left.

    :raises Interrupted: another reader failed.
    """
    while True:
        stop.check()
        try:
            work = waiting.get_nowait()
        except queue.Empty:
            return
        yield work


def assembled(session: Session, contents: Contents, generation: str) -> Fingerprint:
    """The contents that were read, and what the session itself reads of the same snapshot."""
    return filled(without_contents(session, generation), contents)


def without_contents(session: Session, generation: str) -> Fingerprint:
    """What the session itself reads of its snapshot; the contents are still to come."""
    return Fingerprint(
        tables={},
        sequences=sequences(session),
        catalog=catalog.read(session),
        generation=generation,
        reported=reported(session),
    )


def filled(fingerprint: Fingerprint, contents: Contents) -> Fingerprint:
    return replace(fingerprint, tables=contents.tables, large_objects=contents.large_objects)


def tables(session: Session) -> list[Table]:
    """The tables that count: partitioned ones once, partitions not; views and foreign tables hold no rows of theirs."""
    return [Table(*row) for row in session.rows(queries.TABLES)]


def row_counts(session: Session, of: Collection[str] | None = None) -> dict[str, int]:
    """Rows by table label.

    :param of: labels of the tables to count; None for all.
    """
    contents = Contents(session, Chosen(COUNTS), of=of)
    for work in contents.work():
        work.run(session)
    return {label: state.rows for label, state in contents.tables.items()}


def rows_of(target: Target, jobs: int, purpose: str, of: Collection[str] | None = None) -> dict[str, int]:
    """As :func:`row_counts`, by several sessions.

    :param jobs: sessions that read, beside the one that holds the snapshot.
    """
    return by_contents(target, jobs, SOURCE, purpose, lambda holder: Contents(holder, Chosen(COUNTS), of=of)).rows


def sequences(session: Session) -> dict[str, str]:
    """Sequence states by label, such as ``42,t``."""
    return {f"{schema}.{name}": _sequence(session, schema, name) for schema, name in session.rows(queries.SEQUENCES)}


def _sequence(session: Session, schema: str, name: str) -> str:
    query = statement("SELECT last_value, is_called FROM {sequence}", sequence=identifier(schema, name))
    with session.giving_back_locks():
        last_value, is_called = session.row(query)
    return f"{last_value},{'t' if is_called else 'f'}"


def whatever_is_filled(fingerprint: Fingerprint) -> Fingerprint:
    """A fingerprint that does not tell a materialized view that was filled from one that was not."""

    def kept(facts: Facts) -> Facts:
        return {fact: value for fact, value in facts.items() if fact != "populated"}

    objects = {kind: {name: kept(facts) for name, facts in of.items()} for kind, of in fingerprint.catalog.items()}
    return replace(fingerprint, catalog=objects)


def reported(session: Session) -> dict[str, str]:
    """Rows and content of every materialized view by label, for people to know."""
    return {
        f"materialized view {schema}.{name}": _view_state(session, schema, name, columns, int(size))
        if readable
        else "not readable"
        for schema, name, readable, columns, size in session.rows(queries.MATERIALIZED_VIEWS)
    }


def _view_state(session: Session, schema: str, name: str, columns: Sequence[str], size: int) -> str:
    """The content where it is read in a moment; of a large view the rows alone."""
    part = Part(Table(schema, name, "m"), Table(schema, name), tuple(sorted(columns)), (), size, 0)
    rows, one, other = read_part(session, part, FULL if size <= _READ_VIEW_BYTES else COUNTS)
    return f"{rows:,} rows, {f'content {one}:{other}' if size <= _READ_VIEW_BYTES else _UNREAD_CONTENT}"


def differences(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """What differs, one readable line each; empty when the two are equal as far as both were read.

    Two of one generation are compared by exact texts, a source and a copy by what a restore keeps.
    """
    exact = before.generation == after.generation
    return (
        *_table_differences(before, after),
        *_sequence_differences(before.sequences, after.sequences),
        *_object_differences(before, after),
        *catalog.differences(before.catalog, after.catalog, exact=exact),
    )


def information(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """What differs between a source and its copy without being a difference; for people to know."""
    told = sorted(set(before.reported) | set(after.reported))
    old, new = before.reported, after.reported
    lines = [_view_line(name, old.get(name, "missing"), new.get(name, "missing")) for name in told]
    return (*filter(None, lines), *catalog.not_restored(before.catalog, after.catalog))


def _view_line(name: str, before: str, after: str) -> str:
    """Empty when a view is filled with what it held."""
    (old, _comma, content), new = before.partition(", "), after.partition(", ")[0]
    if old != new:
        return f"{name}: {new} instead of {old}"
    if _UNREAD_CONTENT in before + after:
        return f"{name}: refreshed, {old}; too large for its content to be compared"
    return "" if before == after or not content else f"{name}: other content in its {old}"


def _table_differences(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    for label in sorted(set(before.tables) | set(after.tables)):
        old, new = before.tables.get(label), after.tables.get(label)
        if old is None:
            yield f"table {label} was not there before"
        elif new is None:
            yield f"table {label} is missing ({old.rows:,} rows)"
        elif old != new:
            yield f"table {label} {_unlike(old, new, _columns(before, label), _columns(after, label))}"


def _unlike(old: TableState, new: TableState, before: Sequence[str], after: Sequence[str]) -> str:
    if old.rows != new.rows:
        return f"has {new.rows:,} rows instead of {old.rows:,}"
    if sorted(before) != sorted(after):
        return f"has other columns in its {old.rows:,} rows: {_came_and_went(before, after)}"
    if old.mode != new.mode:
        return f"was read {new.mode}, and {old.mode} before, so its {old.rows:,} rows could not be compared"
    sampled = "" if old.mode != "sampled" else ", seen in the sample"
    return f"has other content in its {old.rows:,} rows{sampled}"


def _came_and_went(before: Sequence[str], after: Sequence[str]) -> str:
    gone = [f"{name} is missing" for name in before if name not in after]
    return ", ".join(gone + [f"{name} was not there before" for name in after if name not in before])


def _columns(of: Fingerprint, label: str) -> list[str]:
    """The columns of a table as its catalog facts name them; none when they are not known."""
    prefix = f"{catalog.quoted(label, of.catalog)}."
    return [name[len(prefix) :] for name in of.catalog.get("column", {}) if name.startswith(prefix)]


def _sequence_differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for label in sorted(set(before) | set(after)):
        old, new = before.get(label, "missing"), after.get(label, "missing")
        if old != new:
            yield f"sequence {label} is at {new} instead of {old}"


def _object_differences(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    old, new = before.large_objects, after.large_objects
    if old.mode != new.mode:
        yield f"large objects were read {new.mode}, and {old.mode} before, so they could not be compared"
        return
    for oid in sorted(set(old.content) | set(new.content)):
        if line := _object_difference(oid, old, new):
            yield line


def _object_difference(oid: str, old: LargeObjects, new: LargeObjects) -> str:
    one, other = old.content.get(oid), new.content.get(oid)
    if UNREADABLE in (one, other):
        return f"large object {oid} could not be compared: its owner and superusers alone may read it"
    if one == other:
        return ""
    if one is None:
        return f"large object {oid} was not there before"
    if other is None:
        return f"large object {oid} is missing"
    sizes = [f"{int(text.partition(':')[0]):,}" for text in (other, one)]
    return f"large object {oid} has other content in its {sizes[0]} bytes (before: {sizes[1]})"
