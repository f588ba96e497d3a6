# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One look of the audit: a statement with a limit of time, after which no lock and no setting of it is left."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import QueryFailed
from ..ports.database import Session
from .finding import ERROR, INFO, NOT_LOOKED_AT, WARNING, Finding, key_of, masked

SAMPLES = 5

# By SQLSTATE or its class, what says nothing about the rows: https://www.postgresql.org/docs/current/errcodes-appendix.html
_OF_TIME = {"57014", "55P03"}
_NO_RIGHT = "42501"
_PASSING = (_NO_RIGHT, "42P01", "53")

_MORE_TIME = (
    "Give the audit more time (rule_budget, budget), or look while no lock is held; nothing is known of it yet."
)
_LACKING = "Give the role what it lacks; until then nothing is known of it."
_CAUSE = "Fix what the error names, or waive this by name; until then nothing is known of it."

# In seconds and milliseconds: less is no limit, and more the server does not take.
_SHORTEST, _LONGEST = 0.001, 2**31 - 1

# What is looked for is what the planner takes for impossible by the constraints; and an index may be corrupt.
_AS_THEY_ARE = "SET LOCAL constraint_exclusion = off; SET LOCAL enable_partition_pruning = off; "
WITHOUT_INDEXES = _AS_THEY_ARE + (
    "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off"
)
# The user's own SQL in it is found by the database's search_path, and so is the frame around it: each of its names and
# operators has its schema. What ORDER BY sorts by is the type's own: https://www.postgresql.org/docs/current/xindex.html
_COUNTED = """
SELECT COALESCE(pg_catalog.sum(r.rows), 0)::bigint,
       pg_catalog.jsonb_agg(r.key ORDER BY r.place) FILTER (WHERE r.place OPERATOR(pg_catalog.<=) {samples})
  FROM (SELECT s.key, s.rows, pg_catalog.row_number() OVER (ORDER BY s.key) AS place
          FROM ({statement}) AS s (key, rows)) AS r"""
_OWN = "SELECT pg_catalog.to_jsonb(o.key), 1 FROM (\n{statement}\n) AS o (key)"


@dataclass(frozen=True)
class Budget:
    """Seconds; 0 sets no limit.

    :param rule: that one rule may take, those of all sessions added up.
    :param total: after which nothing more is looked at.
    """

    rule: float
    total: float


UNLIMITED = Budget(rule=0.0, total=0.0)


@dataclass(frozen=True)
class Look:
    """One statement over one object.

    :param statement: as :class:`rule.Rule` describes it; None for what cannot be looked at.
    :param what: the finding's sentence, with ``{count}`` still to be filled in.
    :param reason: why there is no statement.
    :param most: so many rows are expected.
    :param own: a rule of the user's own.
    :param search_path: that its SQL is written for.
    :param tables: labels of those whose rows it reads; none where it takes no time, or where nobody knows.
    """

    rule: str
    severity: str
    subject: str
    statement: str | None
    what: str
    remedy: str
    reason: str = ""
    per_column: bool = False
    by_index: bool = False
    most: int = 0
    own: bool = False
    search_path: str = ""
    tables: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Of its findings, or what the key of each column's begins with."""
        return key_of(self.rule, self.subject)


class Clock:
    """What is left of a budget, for several sessions at once."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._end = time.monotonic() + (budget.total or math.inf)
        self._lock = threading.Lock()
        self._spent: dict[str, float] = {}

    def left(self, rule: str) -> float:
        """Seconds for the next look of a rule; infinite without a limit."""
        with self._lock:
            spent = self._spent.get(rule, 0.0)
        return min((self._budget.rule or math.inf) - spent, self._end - time.monotonic())

    @contextmanager
    def timed(self, rule: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._spent[rule] = self._spent.get(rule, 0.0) + time.monotonic() - started

    @property
    def spent(self) -> dict[str, float]:
        """Seconds by rule."""
        with self._lock:
            return {rule: round(seconds, 3) for rule, seconds in self._spent.items()}


class OutOfTime(QueryFailed):
    """Nothing is left of the budget of time."""


@contextmanager
def limited(reader: Session, rule: str, clock: Clock, settings: str = "") -> Iterator[None]:
    """Statements within the time that is left, in a savepoint of the caller's transaction, which is undone.

    So neither their locks nor their settings stay, and one that fails leaves the transaction as it was.

    :param settings: statements that are run before.
    :raises OutOfTime: no time is left.
    """
    left = clock.left(rule)
    if left < _SHORTEST:
        raise OutOfTime("its budget of time was used up before")
    milliseconds = 0 if math.isinf(left) else min(int(left * 1000), _LONGEST)
    with clock.timed(rule):
        reader.execute("SAVEPOINT look")
        try:
            reader.execute(f"SET LOCAL statement_timeout = {milliseconds}; {settings}")
            yield
        finally:
            reader.execute("ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look")


def look(reader: Session, at: Look, clock: Clock) -> list[Finding]:
    """What is found there, or that it could not be looked at.

    :raises ConnectionFailed: the session was lost.
    """
    if at.statement is None:
        return [not_looked_at(at, at.reason, INFO, _LACKING)]
    try:
        with limited(reader, at.rule, clock, _settings(at)):
            if at.own:
                reader.find_names_by(at.search_path)
            return _per_column(reader, at) if at.per_column else _counted(reader, at)
    except QueryFailed as error:
        return [failed(at, error)]


def _settings(at: Look) -> str:
    if at.own:
        return ""
    return _AS_THEY_ARE if at.by_index else WITHOUT_INDEXES


def _per_column(reader: Session, at: Look) -> list[Finding]:
    return [_found(at, subject, int(count)) for subject, count in reader.rows(str(at.statement))]


def _counted(reader: Session, at: Look) -> list[Finding]:
    statement = _OWN.format(statement=at.statement) if at.own else at.statement
    count, keys = reader.row(_COUNTED.format(statement=statement, samples=SAMPLES))
    if count <= at.most:
        return []
    return [_found(at, at.subject, int(count), tuple(masked(key) for key in keys))]


def _found(at: Look, subject: str, count: int, samples: tuple[str, ...] = ()) -> Finding:
    what = at.what.format(subject, count=count)
    return Finding(at.rule, at.severity, subject, what, at.remedy.format(subject, count=count), count, samples)


def failed(at: Look, error: QueryFailed) -> Finding:
    """A look that fails for what it looks at is as severe as what it looks for: a restore would meet that too."""
    if isinstance(error, OutOfTime) or error.sqlstate in _OF_TIME:
        return not_looked_at(at, error.what, INFO if at.severity == INFO else WARNING, remedy_of(error))
    if at.own:
        remedy = "Fix the rule's SQL: one query, without a semicolon inside."
        return Finding(at.rule, ERROR, at.subject, f"The rule {at.rule} failed: {error.what}.", remedy)
    passing = error.sqlstate.startswith(_PASSING) and at.severity != INFO
    return not_looked_at(at, error.what, WARNING if passing else at.severity, remedy_of(error))


def remedy_of(error: QueryFailed) -> str:
    """More time helps where time was short, and nowhere else."""
    if isinstance(error, OutOfTime) or error.sqlstate in _OF_TIME:
        return _MORE_TIME
    return _LACKING if error.sqlstate == _NO_RIGHT else _CAUSE


def not_looked_at(at: Look, reason: str, severity: str, remedy: str) -> Finding:
    subject = key_of(at.rule, at.subject)
    return Finding(NOT_LOOKED_AT, severity, subject, f"Not looked at: {subject}: {reason}.", remedy)
