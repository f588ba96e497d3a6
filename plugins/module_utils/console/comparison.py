# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two databases compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..text import CROSS, TICK, counted

if TYPE_CHECKING:
    from ..compare.run import Comparison, TableComparison

_KINDS = {"only_here": "only in {here}", "only_there": "only in {there}", "different": "different"}


def comparison(found: Comparison) -> list[str]:
    """A line for each table that differs, and the first keys of each difference."""
    differing = [table for table in found.tables if not table.equal]
    lines = [line for table in differing for line in _compared(table, found)]
    for labels, name in ((found.only_here, found.here), (found.only_there, found.there)):
        lines += [f"{CROSS} {visible(label)}: only in {visible(name)}" for label in labels]
    names = f"{visible(found.here)} and {visible(found.there)}"
    if found.equal:
        return [f"{TICK} {names}: the rows of {counted(len(found.tables), 'table')} are equal"]
    number = len(differing) + len(found.only_here) + len(found.only_there)
    written = [f"{TICK} {counted(found.statements, 'statement')} written, and not run"] if found.statements else []
    equal_tables = len(found.tables) - len(differing)
    return [f"{CROSS} {names}: tables that differ: {number}, equal: {equal_tables}", *lines, *written]


def _compared(table: TableComparison, found: Comparison) -> list[str]:
    counts, here, there = table.counts, visible(found.here), visible(found.there)
    told = [
        f"{table.rows_here:,} rows in {here}, {table.rows_there:,} in {there}",
        *[f"{counts[kind]:,} {_KINDS[kind].format(here=here, there=there)}" for kind in counts if counts[kind]],
        "" if table.key else "no key in both: whole rows were counted",
        *[f"column {visible(name)} only in {here}, not compared" for name in table.columns_here],
        *[f"column {visible(name)} only in {there}, not compared" for name in table.columns_there],
    ]
    lines = [f"{CROSS} {visible(table.label)}: {'; '.join(filter(None, told))}"]
    for kind, keys in table.shown.items():
        more = counts[kind] - len(keys)
        if keys:
            named = _KINDS[kind].format(here=here, there=there)
            listed = f"{', '.join(map(visible, keys))}{f' and {more:,} more' if more else ''}"
            lines.append(f"    {named}, by ({', '.join(map(visible, table.key))}): {listed}")
    return lines
