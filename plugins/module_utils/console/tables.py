# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Single tables and rows of a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..text import FORESEEN, TICK, counted, duration

if TYPE_CHECKING:
    from ..tables import recover as tables_recover
    from ..tables.extract import Extracted
    from ..tables.swap import Replaced


def tables_recovered(done: tables_recover.Recovered) -> list[str]:
    side = "its place" if done.replaced is not None else visible(done.schema)
    count = counted(len(done.rows), "table")
    shown = [f"{TICK} Recovered {visible(label)} into {side}: {rows:,} rows" for label, rows in done.rows.items()]
    if done.replaced is not None:
        shown += _replaced(done.replaced)
    shown.append(f"{TICK} {count} equal to the backup, from the {done.source} in {duration(done.seconds)}")
    return [*shown, *[f"[info] Not carried over: {visible(line)}" for line in done.not_carried]]


def _replaced(done: Replaced) -> list[str]:
    lines = [
        f"{TICK} The replaced {visible(label)}, with {rows:,} rows, is in the schema {done.schema}"
        for label, rows in done.rows.items()
    ]
    drop = f"[info] Drop the schema when you no longer need it: DROP SCHEMA {done.schema} CASCADE"
    return [*lines, drop] if done.schema else lines


def tables_foreseen(found: tables_recover.Recovered, swap: bool) -> list[str]:
    place = "and replace the live table" if swap else f"into {visible(found.schema)}"
    lines = [
        f"{FORESEEN} {visible(label)} would be recovered {place}: {rows:,} rows"
        for label, rows in found.rows.items()
    ]
    return lines + [f"[{problem.severity}] {problem.told}" for problem in found.problems]


def rows_extracted(done: Extracted) -> list[str]:
    found = f"{done.rows:,} of {done.of:,} rows of {visible(done.table)}"
    taken = f"from the {done.source} in {duration(done.seconds)}"
    return [f"{TICK} Extracted {found} to {visible(done.dest)}, {taken}"]


def rows_foreseen(found: Extracted) -> list[str]:
    table, dest = visible(found.table), visible(found.dest)
    return [f"{FORESEEN} Of {found.of:,} rows of {table} the matching ones would be written to {dest}", *found.problems]
