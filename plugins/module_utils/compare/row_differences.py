# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which rows two sides differ: a merge of rows in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .row_sides import Row

# What a row can be: in the database that is compared alone, in the other one alone, or in both and not equal.
ONLY_HERE, ONLY_THERE, DIFFERENT = KINDS = ("only_here", "only_there", "different")


@dataclass(frozen=True)
class Difference:
    """:param kind: one of :data:`KINDS`."""

    kind: str
    here: Row | None
    there: Row | None

    @property
    def key(self) -> str:
        row = self.here or self.there
        return row.key if row else ""


@dataclass
class Merge:
    """Counts while its differences are read.

    :param rows_here: the rows of this side that were read so far.
    """

    rows_here: int = 0
    rows_there: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    def differences(self, here: Iterable[Row], there: Iterable[Row]) -> Iterator[Difference]:
        """Both sides are in the order of :attr:`Row.order`; equal rows without a key pair off one by one."""
        left, right = self._counted(here, "rows_here"), self._counted(there, "rows_there")
        mine, other = next(left, None), next(right, None)
        while mine or other:
            if other is None or (mine and mine.order < other.order):
                yield self._found(ONLY_HERE, mine, None)
                mine = next(left, None)
            elif mine is None or other.order < mine.order:
                yield self._found(ONLY_THERE, None, other)
                other = next(right, None)
            else:
                if mine.content != other.content:
                    yield self._found(DIFFERENT, mine, other)
                mine, other = next(left, None), next(right, None)

    def _counted(self, rows: Iterable[Row], name: str) -> Iterator[Row]:
        for row in rows:
            setattr(self, name, getattr(self, name) + 1)
            yield row

    def _found(self, kind: str, here: Row | None, there: Row | None) -> Difference:
        self.counts[kind] += 1
        return Difference(kind, here, there)
