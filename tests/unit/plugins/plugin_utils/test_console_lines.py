# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a job gets on is shown on change, and no line says more than is known."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from ansible.utils.display import Display
from ansible_collections.pgsafe.migration.plugins.plugin_utils import console_lines, terminals
from ansible_collections.pgsafe.migration.plugins.plugin_utils.console_lines import Lines

WRITING = {"now": {"what": "full_backup.dump", "done": 1, "total": 4}}


@pytest.fixture
def display() -> Mock:
    return Mock(spec_set=["display"], display=Mock(spec=Display.display))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "width", lambda: 30)


def said(display: Mock) -> list[str]:
    return [call.args[0].strip() for call in display.display.call_args_list]


def test_a_text_is_shown_when_it_changes(display: Mock) -> None:
    lines = Lines(display, "db1", 1)
    for text in ("Applying file 1 of 2: a.sql", "Applying file 1 of 2: a.sql", "Applying file 2 of 2: b.sql"):
        lines.show({"state": "running"}, {"text": text})
    assert said(display) == ["Applying file 1 of 2: a.sql", "Applying file 2 of 2: b.sql"]


def test_with_several_hosts_each_line_says_whose_it_is(display: Mock) -> None:
    Lines(display, "db1", 2).say("Rolling back")
    assert said(display) == ["db1:     Rolling back"]


def test_what_the_guard_does_by_itself_comes_with_its_reason(display: Mock) -> None:
    lines = Lines(display, "db1", 1)
    lines.show({"state": "aborting", "reason": "It was interrupted."}, {"text": "Applying file 1 of 2: a.sql"})
    assert said(display) == ["Aborting. It was interrupted."]


def test_of_a_job_that_is_over_nothing_is_told_that_it_did(display: Mock) -> None:
    lines = Lines(display, "db1", 1)
    lines.show({"state": "aborting", "reason": "It was interrupted."}, {"text": "Applying file 1 of 1: a.sql"})
    lines.show({"state": "ended", "reason": "It was interrupted."}, {"text": "Applying file 1 of 1: a.sql"})
    assert said(display) == ["Aborting. It was interrupted."]


def test_what_takes_long_is_told_now_and_then(display: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_lines, "_PAUSE_SECONDS", -1.0)
    lines = Lines(display, "db1", 1)
    updating = {"what": "UPDATE", "seconds": 61.4}
    lines.show({"state": "running"}, {"text": "Applying file 1 of 1: a.sql", "now": updating})
    lines.show({"state": "running"}, WRITING)
    assert said(display)[1:] == ["Applying file 1 of 1: a.sql: UPDATE (61 s)", "full_backup.dump  25 %  1B of 4B"]


def test_what_does_not_take_long_is_not_told(display: Mock) -> None:
    Lines(display, "db1", 1).show({"state": "running"}, WRITING)
    assert said(display) == []


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_one_line_is_drawn_in_its_place_and_goes_before_another_comes(display: Mock) -> None:
    lines = Lines(display, "db1", 1)
    for _time in range(2):
        lines.show({"state": "running"}, WRITING)
    lines.show({"state": "running"}, {"text": "Opening the database"})
    lines.done()
    calls = display.display.call_args_list
    assert [call.args[0] for call in calls] == [
        "\r\x1b[K    full_backup.dump  25 %  1"[: 4 + 29],
        "\r\x1b[K",
        "    Opening the database",
    ]
    assert [call.kwargs.get("newline", True) for call in calls] == [False, False, True]
    assert calls[0].kwargs["screen_only"] is True


@pytest.mark.usefixtures("terminal")
def test_several_hosts_have_no_line_that_is_drawn_again(display: Mock) -> None:
    Lines(display, "db1", 2).show({"state": "running"}, WRITING)
    assert said(display) == []


@pytest.mark.usefixtures("terminal")
def test_switched_off_only_what_is_out_of_the_ordinary_is_shown(display: Mock) -> None:
    lines = Lines(display, "db1", 1, progress=False)
    lines.show({"state": "running"}, {"text": "Applying file 1 of 2: a.sql", **WRITING})
    lines.show({"state": "recovering", "reason": "The guard was killed."}, {})
    assert said(display) == ["Rolling back. The guard was killed."]


@pytest.mark.usefixtures("terminal")
def test_nothing_comes_between_what_a_program_is_to_read(display: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.constants.DEFAULT_STDOUT_CALLBACK", "ansible.posix.json")
    lines = Lines(display, "db1", 1)
    lines.show({"state": "running"}, WRITING)
    lines.say("Rolling back")
    assert [call.kwargs["stderr"] for call in display.display.call_args_list] == [True]
