# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements that bring a row of the other database over; they are written to a file and run by nothing here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..names import quoted
from .row_differences import ONLY_HERE, ONLY_THERE, Difference
from .row_sides import SideTable

# What a person can choose, by the kind of a difference.
CHOICES = {ONLY_THERE: "insert", "different": "update", ONLY_HERE: "delete"}

HEADER = """\
-- Brings rows of {there} over to {here}. Look at it before it is run:
--   psql -X -d {here} -f THIS_FILE
-- Tables are in the order of their names; foreign keys may want another one.
\\set ON_ERROR_STOP on
\\encoding UTF8
SET standard_conforming_strings = on;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET lc_monetary = 'C';
BEGIN;
"""
FOOTER = "COMMIT;\n"


@dataclass(frozen=True)
class Writing:
    """How the rows of one table are written.

    :param columns: as :attr:`Row.literals` are in order.
    """

    table: SideTable
    columns: Sequence[str]
    key: Sequence[str]

    def statement(self, difference: Difference) -> str:
        """One statement and a line feed; nothing where no column that can be written differs."""
        here, there = difference.here, difference.there
        if there is None:
            return f"DELETE FROM {self._name} WHERE {self._where(here.literals if here else ())};\n"
        if here is None:
            return self._insert(there.literals)
        return self._update(here.literals, there.literals)

    @property
    def _name(self) -> str:
        return f"{quoted(self.table.schema)}.{quoted(self.table.name)}"

    def _where(self, literals: Sequence[str]) -> str:
        values = dict(zip(self.columns, literals))
        return " AND ".join(f"{quoted(name)} = {values[name]}" for name in self.key)

    def _insert(self, literals: Sequence[str]) -> str:
        given = [(quoted(n), v) for n, v in zip(self.columns, literals) if n not in self.table.generated]
        names, values = ", ".join(name for name, _value in given), ", ".join(value for _name, value in given)
        return f"INSERT INTO {self._name} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values});\n"

    def _update(self, here: Sequence[str], there: Sequence[str]) -> str:
        changed = [
            f"{quoted(name)} = {new}"
            for name, old, new in zip(self.columns, here, there)
            if old != new and name not in self.table.generated
        ]
        return f"UPDATE {self._name} SET {', '.join(changed)} WHERE {self._where(here)};\n" if changed else ""
