# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare: the rows of two databases of a server, table by table; reads alone, one snapshot a side."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import BadRequest, Refused
from ..foreign_text import visible
from ..model import Target
from ..ports import files, signals
from ..ports.database import ONE_SNAPSHOT, Session, session
from ..postgres import login_triggers, owner_code
from . import row_sides, row_statements
from .row_differences import KINDS, Difference, Merge
from .row_sides import SideTable

_READING = {"default_transaction_read_only": "on"}


@dataclass(frozen=True)
class CompareRequest:
    """
    :param other: the database that this one is compared with, of the same server.
    :param tables: patterns of labels; every table when there is none.
    :param shown: how many keys of a table and kind the result has.
    :param keys_file: for every key that differs, as CSV; None writes none.
    :param statements_file: for the statements; None writes none.
    :param statements: what is written there, of ``insert``, ``update`` and ``delete``.
    """

    target: Target
    other: str
    tables: tuple[str, ...]
    shown: int
    keys_file: Path | None
    statements_file: Path | None
    statements: tuple[str, ...]

    def require_sound(self) -> None:
        """
        :raises BadRequest: a file exists, both are one, or both databases are.
        """
        if self.other == self.target.dbname:
            raise BadRequest(f"{self.other} would be compared with itself.", remedy="Name another other_db.")
        given = [path for path in (self.keys_file, self.statements_file) if path]
        if len(set(given)) != len(given):
            raise BadRequest("keys_file and statements_file are one file.", remedy="Name two.")
        for path in given:
            if path.exists():
                raise BadRequest(f"{path} exists already.", remedy="Name a new file, or remove this one.")


@dataclass(frozen=True)
class TableComparison:
    """
    :param key: the columns that rows are identified by; none where whole rows were counted.
    :param counts: the rows of each kind of difference.
    :param shown: the first keys of each kind.
    :param columns_here: columns that the other side lacks; they are not compared.
    """

    label: str
    rows_here: int
    rows_there: int
    key: tuple[str, ...]
    counts: Mapping[str, int]
    shown: Mapping[str, tuple[str, ...]]
    columns_here: tuple[str, ...] = ()
    columns_there: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        return not any(self.counts.values()) and not self.columns_here and not self.columns_there


@dataclass(frozen=True)
class Comparison:
    """
    :param only_here: tables that the other database lacks.
    :param statements: how many were written.
    """

    here: str
    there: str
    tables: tuple[TableComparison, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]
    statements: int = 0

    @property
    def equal(self) -> bool:
        return not self.only_here and not self.only_there and all(table.equal for table in self.tables)


@dataclass
class _Sinks:
    """Where differences go beside the counts."""

    keys: Callable[[str], None] | None = None
    statements: Callable[[str], None] | None = None
    written: int = 0


@dataclass(frozen=True)
class _Pair:
    """Both sides of one table."""

    label: str
    here: SideTable
    there: SideTable
    columns: tuple[str, ...] = field(default=())
    key: tuple[str, ...] = field(default=())


def run(request: CompareRequest) -> Comparison:
    """
    :raises BadRequest: the request contradicts itself, or names no table.
    :raises Refused: reading would run code of the owners, or the encodings differ.
    :raises QueryFailed: a table cannot be read.
    :raises Interrupted: a signal came; no file is left.
    """
    request.require_sound()
    silenced = login_triggers.silenced(request.target)
    with ExitStack() as stack:
        stack.enter_context(signals.raised("The comparison"))
        here = stack.enter_context(session(silenced, _READING, "compare"))
        there = stack.enter_context(session(silenced.database(request.other), _READING, "compare"))
        sinks = stack.enter_context(_sinks(request))
        for reader in (here, there):
            owner_code.require_readable(reader)
        _require_comparable(here, there, request)
        return _compared(request, here, there, sinks)


def _require_comparable(here: Session, there: Session, request: CompareRequest) -> None:
    if here.encoding != there.encoding:
        raise Refused(
            f"{here.target.dbname} is in {here.encoding}, {there.target.dbname} in {there.encoding}: their keys have "
            "another order.",
            remedy="Restore one of them to a database in the encoding of the other.",
        )
    if request.statements_file and here.encoding == "SQL_ASCII":
        raise Refused(
            f"{here.target.dbname} is in SQL_ASCII: its values are bytes and no text, which the statements would need.",
            remedy="Leave statements_file out.",
        )


def _compared(request: CompareRequest, here: Session, there: Session, sinks: _Sinks) -> Comparison:
    mine, others = (_chosen(row_sides.tables(reader), request.tables) for reader in (here, there))
    if not mine and not others:
        raise BadRequest("No table is compared: there is none that tables names.", remedy="Check tables.")
    pairs = [_pair(label, mine[label], others[label]) for label in sorted(set(mine) & set(others))]
    with here.transaction(ONE_SNAPSHOT), there.transaction(ONE_SNAPSHOT):
        row_sides.lock(here, [pair.here for pair in pairs])
        row_sides.lock(there, [pair.there for pair in pairs])
        found = tuple(_table(pair, request, here, there, sinks) for pair in pairs)
    only_here, only_there = (tuple(sorted(set(a) - set(b))) for a, b in ((mine, others), (others, mine)))
    return Comparison(here.target.dbname, request.other, found, only_here, only_there, sinks.written)


def _chosen(tables: Mapping[str, SideTable], patterns: Sequence[str]) -> dict[str, SideTable]:
    """A pattern matches a label, or the name alone of a table in ``public``."""
    if not patterns:
        return dict(tables)
    return {label: table for label, table in tables.items() if _is_named(label, patterns)}


def _is_named(label: str, patterns: Sequence[str]) -> bool:
    spoken = (label, label.removeprefix("public."))
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in spoken)


def _pair(label: str, here: SideTable, there: SideTable) -> _Pair:
    columns = tuple(name for name in here.columns if name in there.columns)
    shared = [key for key in here.keys if key in there.keys]
    return _Pair(label, here, there, columns, shared[0] if shared else ())


def _table(pair: _Pair, request: CompareRequest, here: Session, there: Session, sinks: _Sinks) -> TableComparison:
    literals, merge = sinks.statements is not None, Merge()
    shown: dict[str, list[str]] = {kind: [] for kind in KINDS}
    sides = (
        row_sides.rows(reader, table, pair.columns, pair.key, literals)
        for reader, table in ((here, pair.here), (there, pair.there))
    )
    for difference in merge.differences(*sides) if pair.columns else ():
        if pair.key:
            if len(shown[difference.kind]) < request.shown:
                shown[difference.kind].append(difference.key)
            _written(pair, difference, request, sinks)
    return TableComparison(
        label=pair.label,
        rows_here=merge.rows_here,
        rows_there=merge.rows_there,
        key=pair.key,
        counts=merge.counts,
        shown={kind: tuple(keys) for kind, keys in shown.items()},
        columns_here=tuple(name for name in pair.here.columns if name not in pair.there.columns),
        columns_there=tuple(name for name in pair.there.columns if name not in pair.here.columns),
    )


def _written(pair: _Pair, difference: Difference, request: CompareRequest, sinks: _Sinks) -> None:
    if sinks.keys:
        sinks.keys(_line(pair.label, difference.kind, difference.key))
    if sinks.statements and row_statements.CHOICES[difference.kind] in request.statements:
        text = row_statements.Writing(pair.here, pair.columns, pair.key).statement(difference)
        sinks.statements(text)
        sinks.written += bool(text)


def _line(*fields: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


@contextmanager
def _sinks(request: CompareRequest) -> Iterator[_Sinks]:
    """Files that appear whole when the comparison has ended, or not at all."""
    sinks = _Sinks()
    with ExitStack() as stack:
        if request.keys_file:
            sinks.keys = _writer(stack, request.keys_file)
            sinks.keys(_line("table", "difference", "key"))
        if request.statements_file:
            sinks.statements = _writer(stack, request.statements_file)
            sinks.statements(
                row_statements.HEADER.format(there=visible(request.other), here=visible(request.target.dbname))
            )
        yield sinks
        if sinks.statements:
            sinks.statements(row_statements.FOOTER)


def _writer(stack: ExitStack, path: Path) -> Callable[[str], None]:
    sink = stack.enter_context(files.atomic(path))

    def write(text: str) -> None:
        sink.write(text.encode("utf-8", "surrogateescape"))

    return write
