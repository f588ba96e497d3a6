# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Standing: the verdict of a run by its journal, who may use its database now, and what ends that by itself.

Every module that works on a run returns these facts, after a failure too.
"""

from __future__ import annotations

from typing import TypedDict

from .. import playbooks
from ..errors import PgsafeError
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.state import FenceStage
from ..journal.verdicts import Verdict
from ..model import FILE_COPY
from ..text import duration
from . import hold
from . import run as fence

OPEN, READ_ONLY, CLOSED, UNSEEN = ("open", "read_only", "closed", "unknown")

_ALLOWED = {
    READ_ONLY: "Others may read {database} and not write to it.",
    CLOSED: "Other sessions cannot connect to {database}.",
}


class Standing(TypedDict):
    """How a run stands, for a module's result."""

    window: str
    verdict: str
    not_given_back: list[str]
    access: str
    access_told: str


def facts(run_journal: Journal) -> Standing:
    try:
        found, state = access(run_journal), run_journal.state
        told = _told(run_journal, found)
        return Standing(
            window=state.window,
            verdict=state.verdict.value,
            not_given_back=_not_given_back(run_journal),
            access=found,
            access_told=told,
        )
    except PgsafeError as error:
        return Standing(
            window="unknown",
            verdict=Verdict.UNKNOWN.value,
            not_given_back=[],
            access=UNSEEN,
            access_told=error.what,
        )


def _not_given_back(run_journal: Journal) -> list[str]:
    """In what a database that was rolled back is not as it was before, by the proof of its backup."""
    proof, done = run_journal.last(Event.VERIFIED), run_journal.last(Event.ROLLED_BACK)
    rolled_back = run_journal.state.verdict is Verdict.ROLLED_BACK and done is not None
    by_files = done is not None and done.facts.get("method") == FILE_COPY
    return list(proof.facts.get("not_given_back", ())) if proof and rolled_back and not by_files else []


def access(run_journal: Journal) -> str:
    """What others may do with the database of the run: :data:`OPEN`, :data:`READ_ONLY` or :data:`CLOSED`."""
    raised, state = fence.recorded(run_journal), run_journal.state
    if raised is None or not state.fenced or raised.kind == fence.NONE:
        return OPEN
    if state.fence is FenceStage.CLOSING:
        return CLOSED
    if state.fence is FenceStage.READ_ONLY:
        return READ_ONLY
    return READ_ONLY if raised.read_only else OPEN


def _told(run_journal: Journal, found: str) -> str:
    """Empty for an open database."""
    if found == OPEN:
        return ""
    # Between the two steps a server that went away may have either.
    closing = found == CLOSED and not run_journal.state.armed
    allowed = "{database} is closed to other sessions, or read-only for them." if closing else _ALLOWED[found]
    return f"{allowed.format(database=run_journal.database)} {_until(run_journal)}"


def _until(run_journal: Journal) -> str:
    if run_journal.state.on_hold:
        return f"That ends when a person decides. {hold.choices(run_journal)}"
    return (
        f"{_by_itself(run_journal)} the next run ends that. To end it now: "
        f"{playbooks.recovering(run_journal.run_id)}"
    )


def _by_itself(run_journal: Journal) -> str:
    idle_timeout = run_journal.idle_timeout
    if idle_timeout is None:
        return "Only"
    after = f"when the playbook has ended, or {duration(idle_timeout)} after its last step"
    when = "as soon as the server answers" if run_journal.state.unfinished else after
    return f"The watchdog of the run ({when}) or"
