# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of the runs of a backup root, by reading their journals alone; no server is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FileFailed
from ..journal.entry import Entry
from ..journal.events import Event
from ..journal.journal import Journal, all_runs
from ..journal.state import Standing, fold
from .channel import Channel


@dataclass(frozen=True)
class StatusRequest:
    """:param database: whose runs; all of them when empty.
    :param run_id: one run; all of them when empty.
    :param newest: the largest number of runs.
    """

    backup_root: Path
    database: str
    run_id: str
    newest: int


@dataclass(frozen=True)
class RunStatus:
    """:param phase: the newest event of the journal.
    :param since: of that event, ISO 8601, UTC.
    :param standing: one of :class:`Standing`.
    :param guard: the state that the guard of the newest job has written, empty without one.
    :param by_hand: the command that finishes or undoes the run without Ansible, empty when nothing is left to do.
    :param log: every event with its time, and the output of the migration's programs; the last lines.
    """

    run_id: str
    database: str
    phase: str
    since: str
    standing: Standing
    guard: str
    backup_dir: str
    by_hand: str
    log: tuple[str, ...]

    @property
    def well(self) -> bool:
        return self.standing in (Standing.ENDED, Standing.GIVEN_UP, Standing.AT_WORK)


def run(request: StatusRequest) -> tuple[RunStatus, ...]:
    """The newest runs, in ascending order.

    :raises FileFailed: there is no such backup root, or it cannot be read.
    """
    if not request.backup_root.is_dir():
        raise FileFailed(f"The backup root {request.backup_root} does not exist.", remedy="Check backup_root.")
    found = [of for of in all_runs(request.backup_root) if _is_wanted(request, of)]
    return tuple(_status(of, entries) for of in found[-request.newest :] if (entries := of.entries()))


def _is_wanted(request: StatusRequest, of: Journal) -> bool:
    return request.database in ("", of.database) and request.run_id in ("", of.run_id)


def _status(of: Journal, entries: list[Entry]) -> RunStatus:
    standing = fold(entries).standing(of.alive)
    guarded = of.last(Event.GUARDED)
    left = standing in (Standing.RESTS, Standing.LEFT, Standing.HELD) and guarded is not None
    return RunStatus(
        run_id=of.run_id,
        database=of.database,
        phase=entries[-1].event,
        since=entries[-1].time,
        standing=standing,
        guard=_guard_state(guarded.facts) if guarded else "",
        backup_dir=of.backup_dir,
        by_hand=str(guarded.facts["by_hand"]) if guarded and left else "",
        log=tuple(of.log()),
    )


def _guard_state(facts: Mapping[str, Any]) -> str:
    state = Channel(Path(facts["directory"])).state()
    return f"{state.state} {state.reason}".strip() if state else ""
