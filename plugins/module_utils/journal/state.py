# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a run: a pure fold over the entries of its journal, by one table of legal transitions.

Every question about a run that decides something is a property of :class:`RunState`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .entry import Entry
from .events import Event
from .verdicts import ENDS, WELL, Verdict, of_word
from .words import Word


class Stage(Word):
    """How far a run has come with its database."""

    PREPARING = "preparing"
    GIVING_UP = "giving up"
    ARMED = "armed"
    UNDOING = "undoing"
    HELD = "held"
    ROLLING_BACK = "rolling back"
    ROLLBACK_FAILED = "rollback failed"
    # A rollback by hand to the backup of a run that has ended, or that never began to migrate.
    RESTORING = "restoring"
    ACCEPTED = "accepted"
    ENDED = "ended"


class FenceStage(Word):
    """How far the fence of a run has come."""

    NEVER = "never"
    RAISING = "raising"
    STANDING = "standing"
    READ_ONLY = "read_only"
    CLOSING = "closing"
    LIFTED = "lifted"


class BackupStage(Word):
    """How far the backup of a run has come."""

    NEVER = "never"
    BEGUN = "begun"
    COMPLETE = "complete"
    REMOVED = "removed"


class Standing(Word):
    """Where a run stands, as the status playbook says it."""

    AT_WORK = "at work"
    RESTS = "rests"
    HELD = "held"
    LEFT = "left unfinished"
    ENDED = "ended"
    GIVEN_UP = "given up"


PREPARING, GIVING_UP, ARMED, UNDOING, HELD, ROLLING_BACK, ROLLBACK_FAILED, RESTORING, ACCEPTED, ENDED = Stage

# The database may differ from the backup, and no verdict has been recorded.
OPEN = (ARMED, UNDOING, HELD, ROLLING_BACK, ROLLBACK_FAILED, ACCEPTED)

_BEFORE_ARMED = (PREPARING, GIVING_UP)
_CHANGED = (ARMED, UNDOING, HELD, ROLLING_BACK, ROLLBACK_FAILED)


def _staying(*stages: Stage) -> dict[Stage, Stage]:
    return {stage: stage for stage in stages}


def _moving(target: Stage, *stages: Stage) -> dict[Stage, Stage]:
    return dict.fromkeys(stages, target)


_ANYWHERE = _staying(*Stage)
_PREPARES = _staying(*_BEFORE_ARMED)
_WITH_VERDICT = _moving(ENDED, ACCEPTED)

# The legal transitions: for each event, the stages in which it may occur and the stage that follows each of them.
TRANSITIONS: Mapping[Event, Mapping[Stage, Stage]] = {
    Event.FENCING: _PREPARES,
    Event.FENCED: _PREPARES,
    Event.REVOKING: _PREPARES,
    Event.CLOSING: _PREPARES,
    Event.GIVING_UP: _moving(GIVING_UP, *_BEFORE_ARMED),
    Event.OPENED: _ANYWHERE,
    Event.PUBLISHING: _PREPARES,
    Event.SLOTTING: _PREPARES,
    Event.SUBSCRIBING: _PREPARES,
    Event.FOLLOWING: _PREPARES,
    Event.READING_ONLY: _PREPARES,
    Event.EQUAL: _PREPARES,
    Event.UNFOLLOWED: _ANYWHERE,
    Event.BACKUP_STARTED: _PREPARES,
    Event.BACKED_UP: _PREPARES,
    Event.BACKUP_FAILED: _PREPARES,
    Event.SWEPT: _ANYWHERE,
    Event.PINNED: _ANYWHERE,
    Event.UNPINNED: _ANYWHERE,
    Event.PRUNING: _ANYWHERE,
    Event.DROPPING_KEPT: _ANYWHERE,
    Event.VERIFYING: _ANYWHERE,
    Event.VERIFIED: _ANYWHERE,
    Event.COPYING: _PREPARES,
    Event.VERIFIED_COPY: _ANYWHERE,
    Event.COPY_RETAINED: _staying(ENDED),
    Event.VERIFIED_COPY_DROPPED: _ANYWHERE,
    Event.CONFIRMED: _moving(PREPARING, *_BEFORE_ARMED),
    Event.PROMOTED: _PREPARES,
    Event.ARMED: _moving(ARMED, PREPARING),
    Event.APPLYING: _staying(ARMED),
    Event.APPLIED: _staying(ARMED),
    Event.FAILED: _moving(UNDOING, ARMED),
    Event.HELD: _moving(HELD, UNDOING),
    Event.ROLLING_BACK: {
        **_moving(ROLLING_BACK, *_CHANGED, ACCEPTED),
        **_moving(RESTORING, *_BEFORE_ARMED, RESTORING, ENDED),
    },
    Event.ENDING_PREPARED: _staying(ROLLING_BACK),
    Event.SWAPPING: _staying(ROLLING_BACK, RESTORING),
    # A rollback by hand that failed leaves the run as ended as it was.
    Event.ROLLBACK_FAILED: {**_moving(ROLLBACK_FAILED, ROLLING_BACK), **_moving(ENDED, RESTORING)},
    Event.ACCEPTED: _moving(ACCEPTED, *Stage),
    Event.MIGRATED: _WITH_VERDICT,
    Event.FAILED_UNCHANGED: _WITH_VERDICT,
    Event.ROLLED_BACK: _WITH_VERDICT,
    Event.RESOLVED: _moving(ENDED, *OPEN),
    Event.GUARDED: {**_ANYWHERE, GIVING_UP: PREPARING},
    Event.ABORTING: _ANYWHERE,
    Event.ABANDONED: _ANYWHERE,
}

_FENCE = {
    Event.FENCING: FenceStage.RAISING,
    Event.FENCED: FenceStage.STANDING,
    Event.READING_ONLY: FenceStage.READ_ONLY,
    Event.CLOSING: FenceStage.CLOSING,
    Event.OPENED: FenceStage.LIFTED,
}
_BACKUP = {
    Event.BACKUP_STARTED: BackupStage.BEGUN,
    Event.BACKED_UP: BackupStage.COMPLETE,
    Event.BACKUP_FAILED: BackupStage.REMOVED,
    Event.SWEPT: BackupStage.REMOVED,
    Event.PRUNING: BackupStage.REMOVED,
}

_ENDS = {Event(verdict.value): verdict for verdict in ENDS}

# An event that its stage does not allow still counts where it says that the database may differ, or that a run ended.
_FORCED = {
    Event.ARMED: ARMED,
    Event.HELD: HELD,
    Event.ROLLING_BACK: ROLLING_BACK,
    Event.ROLLBACK_FAILED: ROLLBACK_FAILED,
    **dict.fromkeys(_ENDS, ENDED),
}

# Parts of the state that follow from the event alone.
_RESET: Mapping[Event, Mapping[str, Any]] = {
    Event.ARMED: {"armed": True, "applied": (), "accepted": None, "rollback_failed": False},
    Event.ROLLING_BACK: {"accepted": None},
    Event.VERIFIED_COPY_DROPPED: {"verified_copy": None, "copying": ""},
    Event.UNPINNED: {"pinned": ""},
    Event.PUBLISHING: {"published": True},
    Event.UNFOLLOWED: {"published": False},
}

# What becomes of the backup beside the run: a run that rests goes on resting.
_OF_RETENTION = (Event.PINNED, Event.UNPINNED, Event.PRUNING, Event.DROPPING_KEPT)

# After these events a run waits for its next task, without a process of its own but the watchdog.
_RESTING = (Event.FENCED, Event.BACKED_UP, Event.VERIFIED, Event.FOLLOWING)

# From these events on a job puts things back or opens the database, and its sessions are not terminated any more.
_PUTTING_BACK = (Event.FAILED, Event.GIVING_UP, Event.ACCEPTED)


@dataclass(frozen=True)
class RunState:
    """:param armed: the run ever began to change the database.
    :param accepted: the verdict of a run that lacks no more than the opening of its database.
    :param ended: the newest end that the run has reached.
    :param verified_copy: name and OID of the verified copy that is kept for a rollback.
    :param copying: the name of a copy of the database's files that may be incomplete.
    :param applied: the files that were applied in the window.
    :param puts_back: the newest job has begun to put things back, or to open the database.
    :param rollback_failed: a rollback has failed since the window was opened.
    :param pinned: why retention leaves the backup alone; empty where it does not.
    :param published: the database may have a publication of the run's, with all that belongs to it.
    :param newest: the last event that is the run's own.
    :param irregular: each event that its stage does not allow, a readable line each.
    """

    stage: Stage = PREPARING
    fence: FenceStage = FenceStage.NEVER
    backup: BackupStage = BackupStage.NEVER
    armed: bool = False
    accepted: Verdict | None = None
    ended: Verdict | None = None
    verified_copy: Mapping[str, Any] | None = None
    copying: str = ""
    applied: tuple[str, ...] = ()
    puts_back: bool = False
    rollback_failed: bool = False
    pinned: str = ""
    published: bool = False
    newest: Event | None = None
    irregular: tuple[str, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether the run may have changed the database and has not reached an end."""
        return self.stage in OPEN

    @property
    def on_hold(self) -> bool:
        """Whether a person is to decide, and has not begun to."""
        return self.stage is HELD

    @property
    def fenced(self) -> bool:
        """Whether the database may still be fenced by the run."""
        return self.fence not in (FenceStage.NEVER, FenceStage.LIFTED)

    @property
    def retains_copy(self) -> bool:
        """Whether the verified copy stays beside a migrated database, for a rollback by hand."""
        return self.stage in (ENDED, RESTORING) and "until" in (self.verified_copy or {})

    @property
    def left_copy(self) -> bool:
        """Whether there is a verified copy that the end of the run drops."""
        return self.verified_copy is not None and not self.retains_copy

    @property
    def given_up(self) -> bool:
        """Whether a rollback failed and the database was opened as it was left: a person decides what follows."""
        return self.unfinished and self.stage is not ACCEPTED and self.rollback_failed and not self.fenced

    @property
    def resting(self) -> bool:
        """Whether the run waits for its next task."""
        return self.newest in _RESTING

    @property
    def awaits_backup(self) -> bool:
        """Whether the run was begun, and its backup was not."""
        return self.backup is BackupStage.NEVER and self.fence is not FenceStage.LIFTED

    @property
    def window(self) -> str:
        """The window of the migration: ``never`` opened, ``open``, or ``closed`` again."""
        if not self.armed:
            return "never"
        return "open" if self.unfinished else "closed"

    @property
    def verdict(self) -> Verdict:
        """What the journal proves; never a good end after an event that its stage does not allow."""
        if self.stage is ENDED and self.ended:
            return Verdict.UNKNOWN if self.irregular and self.ended in WELL else self.ended
        if self.stage is HELD:
            return Verdict.HELD
        if self.stage in _BEFORE_ARMED or self.stage is ENDED:
            return Verdict.REFUSED
        return Verdict.ROLLBACK_FAILED if self.given_up else Verdict.UNFINISHED

    def standing(self, alive: bool) -> Standing:
        """
        :param alive: a process works on the run just now.
        """
        if self.on_hold:
            return Standing.HELD
        if alive:
            return Standing.AT_WORK
        if self.unfinished or self.stage is RESTORING:
            return Standing.LEFT
        if self.ended:
            return Standing.ENDED
        return Standing.RESTS if self.fenced else Standing.GIVEN_UP


def after(state: RunState, entry: Entry) -> RunState:
    """The state behind one more entry."""
    stage, irregular = _moved(state, entry.event)
    return replace(
        state,
        **_facts(state, entry),
        stage=stage,
        irregular=irregular,
        fence=_FENCE.get(entry.event, state.fence),
        backup=_BACKUP.get(entry.event, state.backup),
        puts_back=entry.event in _PUTTING_BACK or (state.puts_back and entry.event is not Event.GUARDED),
        newest=state.newest if entry.event in _OF_RETENTION else entry.event,
    )


def _moved(state: RunState, event: Event) -> tuple[Stage, tuple[str, ...]]:
    """The stage behind an event, and what is irregular by then."""
    following = TRANSITIONS[event].get(state.stage)
    if following is None:
        line = f"{event} is not an event of a run that is {state.stage}"
        return _FORCED.get(event, state.stage), (*state.irregular, line)
    other = event in _ENDS and event is not Event.RESOLVED and _ENDS[event] is not state.accepted
    line = f"{event} is not the verdict that was accepted"
    return following, (*state.irregular, line) if other else state.irregular


def _facts(state: RunState, entry: Entry) -> Mapping[str, Any]:
    """What the entry says beside the stage."""
    event, facts = entry.event, entry.facts
    if event in _ENDS:
        return {"ended": _ENDS[event]}
    if event in _FROM_FACTS:
        return _FROM_FACTS[event](state, facts)
    return _RESET.get(event, {})


_FROM_FACTS: Mapping[Event, Callable[[RunState, Mapping[str, Any]], Mapping[str, Any]]] = {
    Event.APPLIED: lambda state, facts: {"applied": (*state.applied, str(facts.get("file", "")))},
    Event.ACCEPTED: lambda _state, facts: {"accepted": of_word(str(facts.get("verdict", "")))},
    Event.COPYING: lambda _state, facts: {"copying": str(facts.get("name", ""))},
    Event.VERIFIED_COPY: lambda _state, facts: {"verified_copy": facts, "copying": ""},
    Event.COPY_RETAINED: lambda state, facts: {"verified_copy": {**(state.verified_copy or {}), **facts}},
    Event.PINNED: lambda _state, facts: {"pinned": str(facts.get("reason", ""))},
    Event.ROLLBACK_FAILED: lambda state, _facts: {"rollback_failed": state.stage is not RESTORING},
}


def fold(entries: Iterable[Entry]) -> RunState:
    """The state after all entries, in their order."""
    state = RunState()
    for entry in entries:
        state = after(state, entry)
    return state


def end_of(verdict: Verdict) -> Event:
    """The event by which a run ends with this verdict, one of :data:`verdicts.ENDS`."""
    return Event(verdict.value)
