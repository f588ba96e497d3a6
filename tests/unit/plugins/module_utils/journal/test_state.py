# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a run: every prefix of a journal, legal or not, folds to a state that claims no more than it proves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import state as states
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.entry import Entry
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.state import (
    TRANSITIONS,
    RunState,
    Stage,
    Standing,
    after,
    fold,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import ENDS, WELL, Verdict
from hypothesis import given, settings
from hypothesis import strategies as st

often = settings(deadline=None, max_examples=400)


def entry(event: Event, **facts: object) -> Entry:
    if event is Event.ACCEPTED:
        facts.setdefault("verdict", "migrated")
    return Entry(event, "2026-11-16T14:30:22Z", dict(facts))


def told(*events: Event) -> RunState:
    return fold(entry(event) for event in events)


@st.composite
def walks(draw: st.DrawFn) -> list[Entry]:
    """Journals that the table allows, each verdict followed by its own end."""
    state, found = RunState(), []
    for _step in range(draw(st.integers(0, 25))):
        legal = [event for event, stages in TRANSITIONS.items() if state.stage in stages and _fits(state, event)]
        event = draw(st.sampled_from(sorted(legal)))
        facts = {"verdict": draw(st.sampled_from(sorted(ENDS))).value} if event is Event.ACCEPTED else {"file": "1.sql"}
        found.append(Entry(event, "2026-11-16T14:30:22Z", facts))
        state = after(state, found[-1])
    return found


def _fits(state: RunState, event: Event) -> bool:
    """Whether an end is the one that was accepted; a resolved run needs none."""
    ends = [states.end_of(verdict) for verdict in ENDS if verdict is not Verdict.RESOLVED]
    return event not in ends or state.accepted is Verdict(event.value)


ANY = st.lists(st.sampled_from(list(Event)).map(entry), max_size=30)


def prefixes(entries: list[Entry]) -> Iterator[tuple[list[Entry], RunState]]:
    for length in range(len(entries) + 1):
        yield entries[:length], fold(entries[:length])


@often
@given(walks())
def test_a_legal_journal_is_regular_at_every_prefix_and_its_stage_is_the_table_s(entries: list[Entry]) -> None:
    stage = Stage.PREPARING
    for read, state in prefixes(entries):
        if read:
            stage = TRANSITIONS[read[-1].event][stage]
        assert (state.stage, state.irregular) == (stage, ())


@often
@given(st.one_of(walks(), ANY))
def test_no_prefix_ends_well_without_the_event_that_says_so(entries: list[Entry]) -> None:
    ends = [states.end_of(verdict) for verdict in ENDS]
    for read, state in prefixes(entries):
        if state.verdict in WELL:
            reached = [number for number, one in enumerate(read) if one.event in ends]
            assert read[reached[-1]].event is Event.MIGRATED
            accepted = [one for one in read[: reached[-1]] if one.event is Event.ACCEPTED]
            assert accepted[-1].facts["verdict"] == "migrated"
            assert Event.ARMED not in [one.event for one in read[reached[-1] :]]
            assert state.irregular == ()


@often
@given(st.one_of(walks(), ANY))
def test_what_may_have_been_changed_is_never_called_refused(entries: list[Entry]) -> None:
    for read, state in prefixes(entries):
        events = [one.event for one in read]
        if Event.ARMED in events:
            assert state.armed
            assert state.verdict is not Verdict.REFUSED
            since = events[len(events) - 1 - events[::-1].index(Event.ARMED) :]
            if not {states.end_of(verdict) for verdict in ENDS} & set(since):
                assert state.unfinished


@often
@given(st.one_of(walks(), ANY))
def test_who_waits_for_a_person_is_left_alone(entries: list[Entry]) -> None:
    for _read, state in prefixes(entries):
        assert (state.standing(alive=True) is Standing.HELD) == state.on_hold
        assert state.unfinished or not state.on_hold
        if state.unfinished:
            assert state.standing(alive=False) in (Standing.LEFT, Standing.HELD)


@often
@given(st.one_of(walks(), ANY))
def test_a_fold_is_the_state_behind_each_entry(entries: list[Entry]) -> None:
    state = RunState()
    for one in entries:
        state = after(state, one)
    assert state == fold(entries)


def test_every_event_has_its_transitions() -> None:
    assert set(TRANSITIONS) == set(Event)


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([], "refused"),
        ([Event.FENCING, Event.FENCED, Event.BACKUP_STARTED, Event.BACKED_UP, Event.VERIFIED], "refused"),
        ([Event.ARMED], "unfinished"),
        ([Event.ARMED, Event.APPLIED, Event.FAILED], "unfinished"),
        ([Event.FENCING, Event.ARMED, Event.FAILED, Event.ROLLING_BACK, Event.ROLLBACK_FAILED], "unfinished"),
        ([Event.ARMED, Event.FAILED, Event.ROLLING_BACK, Event.ROLLBACK_FAILED, Event.OPENED], "rollback_failed"),
        ([Event.ARMED, Event.FAILED, Event.HELD], "held"),
        ([Event.ARMED, Event.ACCEPTED], "unfinished"),
        ([Event.ARMED, Event.ACCEPTED, Event.MIGRATED], "migrated"),
        ([Event.ARMED, Event.MIGRATED], "unknown"),
        ([Event.MIGRATED], "unknown"),
        ([Event.ARMED, Event.ACCEPTED, Event.ROLLED_BACK], "rolled_back"),
        ([Event.ARMED, Event.ROLLING_BACK, Event.ROLLBACK_FAILED, Event.RESOLVED], "resolved"),
        ([Event.ROLLING_BACK, Event.ROLLBACK_FAILED], "refused"),
        ([Event.ARMED, Event.ACCEPTED, Event.MIGRATED, Event.ROLLING_BACK], "unfinished"),
        ([Event.ARMED, Event.ACCEPTED, Event.MIGRATED, Event.ROLLING_BACK, Event.ROLLBACK_FAILED], "migrated"),
    ],
)
def test_the_verdict_is_what_the_journal_proves(events: list[Event], verdict: str) -> None:
    assert told(*events).verdict == verdict


def test_a_verdict_whose_end_was_not_written_is_finished_forwards() -> None:
    rolled_back = [entry(Event.ARMED), entry(Event.ROLLING_BACK), entry(Event.ACCEPTED, verdict="rolled_back")]
    assert fold(rolled_back).accepted is Verdict.ROLLED_BACK
    by_hand = [entry(Event.ARMED), entry(Event.ACCEPTED), entry(Event.MIGRATED), *rolled_back[1:]]
    assert (fold(by_hand).unfinished, fold(by_hand).accepted) == (True, Verdict.ROLLED_BACK)


def test_a_rollback_that_began_after_a_verdict_takes_it_back() -> None:
    assert told(Event.ARMED, Event.ACCEPTED, Event.ROLLING_BACK).accepted is None


def test_what_puts_things_back_is_a_matter_of_the_newest_job() -> None:
    assert told(Event.GUARDED, Event.ARMED, Event.FAILED).puts_back
    assert not told(Event.GUARDED, Event.ARMED, Event.FAILED, Event.GUARDED).puts_back
