# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cheap counters that show whether anybody wrote to a database whose sessions are read-only by default.

A read-only default is soft: ``BEGIN READ WRITE`` and ``SET`` beat it, so it is watched.
Statistics: https://www.postgresql.org/docs/current/monitoring-stats.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..compare import fingerprint
from ..model import Target
from ..ports.database import session
from ..postgres import ddl_watch, queries


@dataclass(frozen=True)
class Counters:
    """:param rows_written: of all tables and large objects, as the statistics count them.
    :param statistics: when these were last reset; a crash does that too.
    :param counting: whether the server counts at all (track_counts).
    :param catalogs: a hash that DDL changes.
    :param files: a hash that TRUNCATE and rewrites change.
    :param sequences: states by label.
    """

    rows_written: int
    statistics: str
    counting: bool
    catalogs: str
    files: str
    sequences: dict[str, str]

    def as_facts(self) -> dict[str, object]:
        return asdict(self)


def take(target: Target) -> Counters:
    mark = ddl_watch.mark(target)
    with session(target, purpose="counters") as reader:
        rows_written, reset, counting = reader.row(queries.WRITE_COUNTERS)
        return Counters(
            int(rows_written), reset or "", counting == "on", mark.catalogs, mark.files, fingerprint.sequences(reader)
        )


def of_facts(facts: Mapping[str, Any]) -> Counters:
    """As it was written into a journal."""
    return Counters(**facts)


def comparable(before: Counters, after: Counters) -> bool:
    """Whether the counters are of one and the same series; else only the whole fingerprint can tell."""
    return before.counting and after.counting and before.statistics == after.statistics


def differences(before: Counters, after: Counters) -> Iterator[str]:
    """What other sessions did meanwhile, or tried to, a readable line each."""
    if before.rows_written != after.rows_written:
        yield f"{after.rows_written - before.rows_written:,} rows were written"
    yield from committed(before, after)


def committed(before: Counters, after: Counters) -> Iterator[str]:
    """What is certainly other than before: rows alone are counted even when their transaction was rolled back."""
    if before.catalogs != after.catalogs:
        yield "DDL ran"
    if before.files != after.files:
        yield "a table was truncated or rewritten"
    for label in sorted(set(before.sequences) | set(after.sequences)):
        old, new = before.sequences.get(label, "missing"), after.sequences.get(label, "missing")
        if old != new:
            yield f"the sequence {label} went from {old} to {new}"
