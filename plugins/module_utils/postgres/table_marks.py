# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables were written, rewritten or altered between two moments, without reading a row of them.

By the statistics, which have counted every row, rolled back or not, once the session that wrote it has ended; by the
files, which TRUNCATE and rewrites change; and by the transactions that have written the catalogs' rows about a table.
Statistics: https://www.postgresql.org/docs/current/monitoring-stats.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..ports.database import Session
from . import queries

# Before it the statistics came by UDP, late or never.
SINCE = 150000


@dataclass(frozen=True)
class Marks:
    """:param tables: by label, a partitioned one with its partitions.
    :param shared: by object, of what the constraints and columns of many tables are made of: functions, domains,
        operators and collations.
    :param statistics: when these were last reset, as by a crash; None where the server does not count.
    """

    tables: Mapping[str, str]
    shared: Mapping[str, str]
    statistics: str | None


def take(reader: Session) -> Marks:
    """As they are now, once every other session of the database has ended.

    :raises QueryFailed: the catalogs cannot be read.
    """
    _written, reset, counting = reader.row(queries.WRITE_COUNTERS)
    statistics = (reset or "") if counting == "on" and reader.version >= SINCE else None
    return Marks(dict(reader.rows(queries.TABLE_MARKS)), dict(reader.rows(queries.SHARED_MARKS)), statistics)


def touched(before: Marks, after: Marks) -> frozenset[str] | None:
    """Labels of tables, new and dropped ones among them; None where any table may have been touched."""
    if before.statistics is None or before.statistics != after.statistics:
        return None
    if any(after.shared.get(name) != mark for name, mark in before.shared.items()):
        return None
    return frozenset(_differing(before.tables, after.tables))


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for label in {**before, **after}:
        if before.get(label) != after.get(label):
            yield label
