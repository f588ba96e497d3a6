# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal is read whatever a crash has left of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FACTS = st.dictionaries(st.sampled_from(["file", "error", "kept"]), st.text(max_size=12), max_size=2)
EVENTS = st.lists(st.tuples(st.sampled_from(list(Event)), FACTS), max_size=5)
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def _journal(directory: Path, events: list[tuple[Event, Mapping[str, Any]]]) -> Journal:
    written = Journal(directory)
    (directory / journal.JOURNAL).unlink(missing_ok=True)
    for event, facts in events:
        written.append(event, **facts)
    return written


def _read(of: Journal) -> list[tuple[Event, Mapping[str, Any]]]:
    return [(entry.event, entry.facts) for entry in of.entries()]


@anywhere
@given(events=EVENTS)
def test_every_event_is_read_back_in_order(tmp_path: Path, events: list[tuple[Event, Mapping[str, Any]]]) -> None:
    assert _read(_journal(tmp_path, events)) == events


@anywhere
@given(events=EVENTS.filter(bool), lost=st.integers(0, 400))
def test_a_crash_costs_the_events_it_cut_off_and_no_other(
    tmp_path: Path, events: list[tuple[Event, Mapping[str, Any]]], lost: int
) -> None:
    cut = _journal(tmp_path, events)
    path = tmp_path / journal.JOURNAL
    content = path.read_bytes()
    left = content[: max(0, len(content) - lost)]
    path.write_bytes(left)
    whole = left.count(b"\n")
    # without its line feed a line may still be whole
    assert _read(cut) in (events[:whole], events[: whole + 1])
    cut.append(Event.ABANDONED)
    assert _read(cut)[-1] == (Event.ABANDONED, {})
    assert _read(cut)[:whole] == events[:whole]


@pytest.mark.parametrize("text", ["before\u2028after", "before\x85after", "\x0c\x1c\x1d", "andr\udce9", "🐘"])
def test_no_character_breaks_a_line(tmp_path: Path, text: str) -> None:
    assert _read(_journal(tmp_path, [(Event.FAILED, {"error": text}), (Event.APPLIED, {})])) == [
        (Event.FAILED, {"error": text}),
        (Event.APPLIED, {}),
    ]


def test_zeros_that_a_crash_left_are_no_event(tmp_path: Path) -> None:
    written = _journal(tmp_path, [(Event.ARMED, {})])
    with (tmp_path / journal.JOURNAL).open("ab") as stream:
        stream.write(bytes(512))
    assert _read(written) == [(Event.ARMED, {})]


def test_a_journal_that_was_never_written_has_no_events(tmp_path: Path) -> None:
    assert Journal(tmp_path).entries() == []
    assert Journal(tmp_path).last(Event.ARMED) is None


def test_a_line_has_the_time_in_utc(tmp_path: Path) -> None:
    _journal(tmp_path, [(Event.ARMED, {"digest": "x"})])
    line = json.loads((tmp_path / journal.JOURNAL).read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line.pop("time"))
    assert line == {"event": "armed", "digest": "x"}


def test_the_last_entry_of_an_event_is_the_newest(tmp_path: Path) -> None:
    levels = [(Event.VERIFIED, {"level": level}) for level in ("decode", "restore")]
    written = _journal(tmp_path, [*levels, (Event.ARMED, {})])
    found = written.last(Event.VERIFIED)
    assert found is not None
    assert found.facts == {"level": "restore"}


def test_an_event_of_another_version_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    written = _journal(tmp_path, [(Event.ARMED, {})])
    with (tmp_path / journal.JOURNAL).open("a") as stream:
        stream.write('{"event": "teleported", "time": "2026-11-16T14:30:22Z"}\n')
    with pytest.raises(FileFailed, match="teleported") as caught:
        written.entries()
    assert "Use the version of pgsafe.migration that wrote the journal." in caught.value.remedy


def test_of_two_who_work_on_a_run_the_second_is_refused(tmp_path: Path) -> None:
    first, second = Journal(tmp_path).held(), Journal(tmp_path).held()
    with first, pytest.raises(Refused, match="worked on by another process"), second:
        pass
    with Journal(tmp_path).held():
        assert (tmp_path / journal.LOCK).stat().st_mode & 0o777 == 0o600


def test_runs_of_the_same_second_get_ids_of_their_own(tmp_path: Path) -> None:
    found = [journal.new_run(tmp_path).run_id for _time in range(3)]
    assert len(set(found)) == 3
    assert all(re.fullmatch(r"\d{8}_\d{6}(_\d+)?", run_id) for run_id in found)
    assert [run.run_id for run in journal.all_runs(tmp_path)] == sorted(found)


def test_a_backup_root_that_is_not_there_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match=f"install -d -m 0700 {tmp_path}/nowhere"):
        journal.new_run(tmp_path / "nowhere")


def test_a_run_is_found_by_its_id_and_only_there(tmp_path: Path) -> None:
    run = journal.new_run(tmp_path)
    found = journal.of_run(tmp_path, run.run_id)
    assert found is not None
    assert found.directory == run.directory
    assert journal.of_run(tmp_path, "20000101_000000") is None
    assert journal.all_runs(tmp_path / "nowhere") == []
