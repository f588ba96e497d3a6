# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Abort a run from outside its task: the guard aborts the job, and undoes or finishes the run."""

from __future__ import annotations

from pathlib import Path

from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Supervision
from .channel import Channel


def ask(run_journal: Journal | None, reason: str, supervision: Supervision) -> dict[str, object]:
    """Ask the guard of a run to abort its job. Returns what the controller needs to poll it, if there is one."""
    guarded = run_journal.last(Event.GUARDED) if run_journal else None
    if run_journal is None or guarded is None or not run_journal.alive:
        return {}
    channel = Channel(Path(guarded.facts["directory"]))
    channel.abort(reason or "The run was aborted.")
    return {"changed": True, "guard": channel.for_controller(guarded.facts["job"], run_journal.run_id, supervision)}
