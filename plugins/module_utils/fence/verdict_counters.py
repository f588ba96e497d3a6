# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients have written to a migrated database since the verdict of its run, which a rollback takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import PgsafeError
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.verdicts import Verdict
from ..model import Identity, Target
from ..ports.database import session
from ..postgres import identity as identities
from . import counters


@dataclass(frozen=True)
class Written:
    """:param rows: written since the verdict; None where that cannot be counted.
    :param lines: what was done, or why it cannot be counted, a readable line each.
    :param beyond_rows: DDL ran, or a table was truncated or rewritten, which no number of rows measures.
    """

    rows: int | None
    lines: tuple[str, ...]
    beyond_rows: bool = False

    def exceeds(self, most_rows: int) -> bool:
        """Whether a rollback could lose more than these rows."""
        return self.rows is None or self.rows > most_rows or self.beyond_rows


def take(live: Target) -> dict[str, object]:
    """Facts for the journal; none where they cannot be read, which fails no migration."""
    try:
        return {"counters": counters.take(live).as_facts(), "identity": asdict(_identity(live))}
    except PgsafeError:
        return {}


def written_since(live: Target, run_journal: Journal) -> Written | None:
    """By the newest verdict of the run; None where it has migrated nothing.

    A session reports what it has written within seconds, and the rest when it ends.
    """
    verdict = run_journal.last(Event.ACCEPTED)
    if verdict is None or verdict.facts.get("verdict") != Verdict.MIGRATED.value:
        return None
    try:
        return _counted(live, verdict.facts)
    except PgsafeError as error:
        return Written(None, (f"What was written since the verdict could not be counted: {error.what}",))


def _counted(live: Target, facts: Mapping[str, Any]) -> Written:
    if "counters" not in facts:
        return Written(None, ("Writes since the verdict are unknown: its run did not record the change counters",))
    before, now = counters.of_facts(facts["counters"]), counters.take(live)
    here = asdict(_identity(live))
    same = all(here[part] == facts["identity"][part] for part in ("system_identifier", "oid", "timeline"))
    if not (same and counters.comparable(before, now)):
        return Written(
            None,
            (
                "Writes since the verdict are unknown: the statistics were reset, for example by a crash, or belong to "
                "another database",
            ),
        )
    lines = tuple(counters.differences(before, now)) or ("nothing was written",)
    rows, told = now.rows_written - before.rows_written, tuple(f"Since the verdict, {line}" for line in lines)
    return Written(rows, told, (before.catalogs, before.files) != (now.catalogs, now.files))


def _identity(live: Target) -> Identity:
    with session(live, purpose="counters") as reader:
        return identities.read(reader)
