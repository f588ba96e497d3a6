# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Abort a run from outside its task: its guard breaks off what it does, and undoes or finishes the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event

Params = Mapping[str, Any]


def ask(params: Params) -> dict[str, Any]:
    """Ask the guard of a run to break its job off; what the controller needs to stay with it, nothing without one."""
    run_journal = recover.named(params)
    guarded = run_journal.last(Event.GUARDED) if run_journal else None
    if run_journal is None or guarded is None or not run_journal.alive:
        return {}
    channel = Channel(Path(guarded.facts["directory"]))
    channel.abort(params["reason"] or "The run was aborted.")
    return {"changed": True, "guard": channel.for_controller(guarded.facts["job"], run_journal.run_id, params)}
