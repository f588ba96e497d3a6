# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that an audit looks at: what the catalogs show at once, the tables' rows, and who looks at what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ..compare import fingerprint
from ..errors import QueryFailed, Refused
from ..model import OwnerCode, Table, Target
from ..ports import parallel
from ..ports.database import Session, identifier, search_path_of, statement
from ..postgres import owner_code, snapshot
from ..text import first_few
from .finding import INFO, WARNING, Finding
from .looking import WITHOUT_INDEXES, Clock, Look, failed, limited, look, not_looked_at, remedy_of
from .own_rule import OwnRule
from .registry import RULES
from .rule import CATALOG, DATA, Rule

# What the time of counting rows is booked under.
ROWS = "rows"

Work = Callable[[Session], None]

_PARTITIONS = """
SELECT n.nspname, c.relname
  FROM pg_catalog.pg_partition_tree(pg_catalog.format('%%I.%%I', %s::text, %s::text)::regclass) t
  JOIN pg_catalog.pg_class c ON c.oid = t.relid AND c.relkind = 'r'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""


def share(work: Iterable[Work], target: Target, held: snapshot.Snapshot, jobs: int) -> None:
    """Let several sessions, which see one snapshot, do the work."""
    waiting = iter(list(work))
    lock = threading.Lock()

    def read(stop: parallel.Stop) -> None:
        with snapshot.reader(target, held, "audit") as reader, stop.calling(reader.cancel):
            while True:
                stop.check()
                with lock:
                    piece = next(waiting, None)
                if piece is None:
                    return
                piece(reader)

    parallel.together([read] * max(1, jobs))


class Found:
    """The findings of many looks, in the order of the looks whichever session ran them."""

    def __init__(self, looks: Iterable[Look | Finding], clock: Clock) -> None:
        self._looks = list(looks)
        self._clock = clock
        self._found: dict[int, list[Finding]] = {}

    def work(self) -> Iterator[Work]:
        for place, at in enumerate(self._looks):
            if isinstance(at, Finding):
                self._found[place] = [at]
            else:
                yield partial(self._look, place, at)

    def _look(self, place: int, at: Look, reader: Session) -> None:
        self._found[place] = look(reader, at, self._clock)

    def in_order(self) -> tuple[Finding, ...]:
        return tuple(finding for place in sorted(self._found) for finding in self._found[place])


class Counting:
    """The rows of every table, as far as the time suffices."""

    def __init__(self, holder: Session, clock: Clock) -> None:
        self._tables = fingerprint.tables(holder)
        self._clock = clock
        self._rows: dict[str, int] = {}
        self._unseen: dict[str, tuple[str, str]] = {}

    def work(self) -> Iterator[Work]:
        for table in self._tables:
            yield partial(self._count, table)

    def _count(self, table: Table, reader: Session) -> None:
        try:
            owner_code.require_readable(reader)
            with limited(reader, ROWS, self._clock, WITHOUT_INDEXES):
                self._rows[table.label] = sum(reader.value(_count_of(heap)) for heap in _heaps(reader, table))
        except QueryFailed as error:
            self._unseen[table.label] = (error.what, remedy_of(error))
        except Refused as error:
            self._unseen[table.label] = (error.what, error.remedy)

    @property
    def rows(self) -> dict[str, int]:
        return dict(sorted(self._rows.items()))

    def unseen(self) -> Iterator[Finding]:
        for label, (what, remedy) in sorted(self._unseen.items()):
            yield not_looked_at(Look(ROWS, WARNING, label, None, "", ""), what, WARNING, remedy)


def _heaps(reader: Session, table: Table) -> list[Any]:
    """A partitioned table's partitions; a foreign one's rows are elsewhere."""
    name = identifier(table.schema, table.name)
    if table.kind == "r":
        return [name]
    return [identifier(*row) for row in reader.rows(_PARTITIONS, (table.schema, table.name))]


def _count_of(heap: Any) -> Any:
    return statement("SELECT count(*) FROM ONLY {heap}", heap=heap)


def looks_of(
    reader: Session, scopes: Sequence[str], own_rules: Sequence[OwnRule], clock: Clock
) -> Iterator[Look | Finding]:
    """What the catalogs show at once, and what is to be looked at."""
    code = owner_code.found(reader) if DATA in scopes else ()
    planned = owner_code.planned(reader) if DATA in scopes else ()
    for rule in RULES:
        if rule.scope in scopes and code and (rule.runs_code or (planned and rule.scope == DATA)):
            yield _untrusted(rule, code)
        elif rule.scope in scopes:
            yield from _of_rule(reader, rule, clock)
    path = search_path_of(reader.target) if own_rules else ""
    for own in own_rules:
        what = f"Rule {own.name}: {{count:,}} rows found, at most {own.most:,} expected."
        remedy = own.remedy.replace("{", "{{").replace("}", "}}")
        yield Look(own.name, own.severity, "", own.query, what, remedy, most=own.most, own=True, search_path=path)


def _untrusted(rule: Rule, code: Sequence[OwnerCode]) -> Finding:
    itself = Look(rule.name, rule.severity, "", None, "", "")
    named = first_few([it.described for it in code])
    reason = f"it would run functions of other roles with the rights of this one: {named}"
    remedy = "If their owners may do whatever the connecting role may: pg_migrate_connection.trust_owner: true"
    return not_looked_at(itself, reason, WARNING, remedy)


def _of_rule(reader: Session, rule: Rule, clock: Clock) -> Iterator[Look | Finding]:
    itself = Look(rule.name, rule.severity, "", None, "", "")
    if reader.version < rule.since:
        yield not_looked_at(itself, f"PostgreSQL {rule.since // 10000} or later is needed", INFO, "")
        return
    try:
        with limited(reader, rule.name, clock):
            candidates = reader.rows(rule.query)
    except QueryFailed as error:
        yield failed(itself, error)
        return
    for subject, *values in candidates:
        if rule.scope == CATALOG:
            what = rule.what.format(subject, *values, count=1)
            yield Finding(rule.name, rule.severity, subject, what, rule.remedy.format(subject, *values, count=1))
        else:
            yield Look(
                rule.name, rule.severity, subject, values[0], rule.what, rule.remedy, reason=values[1] or "",
                per_column=rule.per_column, by_index=rule.by_index, tables=frozenset(values[2] or ()),
            )  # fmt: skip
