# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to become of the rows of every table, and what has become of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ... import names
from ...errors import BadRequest

SAME, GROWS, MAY_SHRINK, DROPPED = PLAIN = ("same", "grows", "may_shrink", "dropped")
MAY_SHRINK_TO, MOVED_TO = WITH_VALUE = ("may_shrink_to", "moved_to")
_UNDECLARED = ""

_FORMS = f"Choose one of {', '.join(PLAIN)}, or {{may_shrink_to: ROWS}}, or {{moved_to: TABLE}}."


@dataclass(frozen=True)
class Expectation:
    """
    :param rows: of :data:`MAY_SHRINK_TO`, how many must be left.
    :param other: of :data:`MOVED_TO`, the table that the rows must be found added to.
    """

    kind: str = _UNDECLARED
    rows: int = 0
    other: str = ""

    def __str__(self) -> str:
        value = {MAY_SHRINK_TO: f" {self.rows:,}", MOVED_TO: f" {self.other}"}
        return f"{self.kind}{value.get(self.kind, '')}"


@dataclass(frozen=True)
class TableChange:
    """:param before: rows in the backup, None when the table was not there.
    :param after: rows now, None when the table is not there.
    :param expectation: as it was declared, or empty.
    :param problem: why this fails the migration, or empty.
    """

    table: str
    before: int | None
    after: int | None
    expectation: str
    verdict: str
    problem: str = ""


def typed(given: Mapping[str, Any]) -> dict[str, Expectation]:
    """The expectations of a task by the name that was given: ``same``, or ``{may_shrink_to: 100}``.

    :raises BadRequest: one of them is not known.
    """
    return {str(table): _typed(str(table), value) for table, value in given.items()}


def _typed(table: str, value: Any) -> Expectation:
    if isinstance(value, str) and value in PLAIN:
        return Expectation(value)
    kind, detail = next(iter(value.items())) if isinstance(value, Mapping) and len(value) == 1 else ("", None)
    if kind == MAY_SHRINK_TO and str(detail).isdecimal():
        return Expectation(kind, rows=int(str(detail)))
    if kind == MOVED_TO and isinstance(detail, str) and detail:
        return Expectation(kind, other=detail)
    raise BadRequest(f"The expectation {value!r} of the table {table} is not known.", remedy=_FORMS)


def require_known(expectations: Mapping[str, Expectation], tables: Collection[str]) -> None:
    """
    :param tables: the labels of the tables in the backup.
    :raises BadRequest: something is expected of a table that is not there.
    """
    strange = sorted(name for name in expectations if _label(name, tables) not in tables)
    if strange:
        raise BadRequest(
            f"Expectations name tables that do not exist: {', '.join(strange)}.",
            remedy="Write schema.table as the audit report does; in the schema public the name is enough.",
        )


def _label(name: str, tables: Collection[str]) -> str:
    """A name alone is that of a table of the schema public."""
    return name if name in tables else f"public.{name}"


def changes_of(
    before: Mapping[str, int], after: Mapping[str, int], expectations: Mapping[str, Expectation]
) -> Iterator[TableChange]:
    """One entry a table that was there before or is there now."""
    declared = {_label(name, before): expectation for name, expectation in expectations.items()}
    for table in sorted(set(before) | set(after)):
        expectation = declared.get(table, Expectation())
        case = _Case(table, expectation, before, after, declared)
        verdict, problem = _JUDGES[expectation.kind](case) if table in before else ("new", "")
        yield TableChange(table, before.get(table), after.get(table), str(expectation), verdict, problem)


@dataclass(frozen=True)
class _Case:
    """A table that was there before, with all that decides about it."""

    table: str
    expectation: Expectation
    before: Mapping[str, int]
    after: Mapping[str, int]
    declared: Mapping[str, Expectation]

    @property
    def old(self) -> int:
        return self.before[self.table]

    @property
    def new(self) -> int:
        return self.after[self.table]

    @property
    def gone(self) -> bool:
        return self.table not in self.after

    @property
    def lost(self) -> int:
        return 0 if self.gone else max(0, self.old - self.new)

    @property
    def said(self) -> str:
        """How the rows have changed, in short."""
        return "same" if self.new == self.old else f"{self.new - self.old:+,}"


_Judged = tuple[str, str]


def _undeclared(case: _Case) -> _Judged:
    if case.gone:
        return _gone(case)
    if case.lost:
        lost = f"The table {case.table} has lost {case.lost:,} of its {case.old:,} rows, which was not declared."
        return f"LOST {case.lost:,}", f"{lost} {_to_declare(case.table, 'may_shrink')}"
    return case.said, ""


def _gone(case: _Case) -> _Judged:
    kept = f"{case.table}{names.KEPT}"
    # One that has been there all along, with as many rows, is an earlier migration's.
    if case.after.get(kept, -1) >= case.old and case.after[kept] != case.before.get(kept):
        return f"kept as {kept}", ""
    gone = f"The table {case.table} with {case.old:,} rows is gone, which was not declared."
    return "LOST", f"{gone} {_to_declare(case.table, 'dropped')}"


def _to_declare(table: str, expectation: str) -> str:
    return f"If that is intended: pg_migrate_verification.expectations: {{{table}: {expectation}}}."


def _must_stay(case: _Case, wish: str) -> _Judged:
    return "LOST", f"The table {case.table} with {case.old:,} rows was expected to {wish}, but is gone."


def _same(case: _Case) -> _Judged:
    if case.gone:
        return _must_stay(case, "keep them")
    if case.new != case.old:
        return "NOT THE SAME", f"The table {case.table} should have kept its {case.old:,} rows, but has {case.new:,}."
    return case.said, ""


def _grows(case: _Case) -> _Judged:
    if case.gone:
        return _must_stay(case, "grow")
    if case.new <= case.old:
        problem = f"The table {case.table} should have grown, but has {case.new:,} rows (before: {case.old:,})."
        return "NOT GROWN", problem
    return case.said, ""


def _may_shrink(case: _Case) -> _Judged:
    return _must_stay(case, "keep some of them") if case.gone else (case.said, "")


def _may_shrink_to(case: _Case) -> _Judged:
    least = case.expectation.rows
    if case.gone:
        return _must_stay(case, f"keep {least:,} of them")
    if case.lost and case.new < least:
        problem = f"The table {case.table} should have kept {least:,} of {case.old:,} rows, but has {case.new:,}."
        return f"LOST {case.lost:,}", problem
    return case.said, ""


def _moved_to(case: _Case) -> _Judged:
    """Whether the table itself is dropped, emptied or kept: all of its rows must have come to the other one."""
    other = _label(case.expectation.other, case.after)
    moved = sum(
        case.before[table]
        for table, expectation in case.declared.items()
        if expectation.kind == MOVED_TO and _label(expectation.other, case.after) == other
    )
    if other not in case.after:
        return "LOST", f"The rows of {case.table} should have been moved to {other}, which does not exist."
    added = case.after[other] - case.before.get(other, 0)
    if added < moved:
        told = f"The {case.old:,} rows of {case.table} should have been moved to {other}"
        return "NOT MOVED", f"{told}, which has {added:,} more rows instead of {moved:,}."
    return "moved", ""


def _dropped(case: _Case) -> _Judged:
    if case.gone:
        return "dropped", ""
    return "NOT DROPPED", f"The table {case.table} should have been dropped, but exists, with {case.new:,} rows."


_JUDGES: Mapping[str, Callable[[_Case], _Judged]] = {
    _UNDECLARED: _undeclared,
    SAME: _same,
    GROWS: _grows,
    MAY_SHRINK: _may_shrink,
    MAY_SHRINK_TO: _may_shrink_to,
    MOVED_TO: _moved_to,
    DROPPED: _dropped,
}
