# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers that a failed database has given out and others may have seen: passed over by its successor, or told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..compare import fingerprint
from ..errors import QueryFailed
from ..model import Target
from ..ports.database import WRITING, Session, session

BACKUP, MAX = CHOICES = ("backup", "max")

_MOST_SHOWN = 10

_STEPS = """
SELECT n.nspname, c.relname, s.seqincrement
  FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT s.seqcycle ORDER BY 1, 2
"""

_SET = "SELECT pg_catalog.setval(pg_catalog.format('%%I.%%I', %s::text, %s::text)::regclass, %s, %s)"


@dataclass(frozen=True)
class Ahead:
    """A sequence that went on behind what the backup has; states are such as ``42,t``."""

    schema: str
    name: str
    then: str
    now: str

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


def ahead(live: Target, then: Mapping[str, str]) -> tuple[Ahead, ...]:
    """
    :param then: the states by label in the backup.
    :raises QueryFailed: a sequence cannot be read.
    """
    with session(live, purpose="sequences") as reader:
        return tuple(_ahead(reader, then))


def _ahead(reader: Session, then: Mapping[str, str]) -> Iterator[Ahead]:
    """Those of now; one that cycles is never ahead, and one that is new is in no backup."""
    now = fingerprint.sequences(reader)
    for schema, name, step in reader.rows(_STEPS):
        one = Ahead(schema, name, then.get(f"{schema}.{name}", ""), now.get(f"{schema}.{name}", ""))
        if one.then and one.now and _place(one.now, step) > _place(one.then, step):
            yield one


def _place(state: str, step: int) -> tuple[int, bool]:
    """How far it is in its own direction; one that was called is behind one that only stands there."""
    value, _comma, called = state.partition(",")
    return int(value) * (1 if step > 0 else -1), called == "t"


def carry(copy: Target, sequences: Sequence[Ahead]) -> tuple[str, ...]:
    """Let a copy go on where the failed database was; a line for the report."""
    failures = []
    with session(copy, WRITING, "sequences") as writer:
        for one in sequences:
            value, _comma, called = one.now.partition(",")
            try:
                writer.execute(_SET, (one.schema, one.name, int(value), called == "t"))
            except QueryFailed as error:
                failures.append(f"The sequence {one.label} could not be set to {one.now}: {error.what}")
    return (f"The sequences continue where the failed database left off: {_shown(sequences)}.", *failures)


def told(sequences: Sequence[Ahead]) -> tuple[str, ...]:
    """The line for the report where nothing is carried."""
    if not sequences:
        return ()
    return (
        f"The sequences are as in the backup, so these will reissue numbers that the failed database has issued: "
        f"{_shown(sequences)}.",
    )


def _shown(sequences: Sequence[Ahead]) -> str:
    lines = [f"{one.label} ({one.then} in the backup, {one.now} in the failed one)" for one in sequences[:_MOST_SHOWN]]
    more = len(sequences) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more else "")
