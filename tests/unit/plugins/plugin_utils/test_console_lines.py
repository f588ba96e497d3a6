# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a job gets on is shown on change, and no line says more than is known."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from ansible.utils.display import Display
from ansible_collections.pgsafe.migration.plugins.plugin_utils import console_lines
from ansible_collections.pgsafe.migration.plugins.plugin_utils.console_lines import Lines, running


@pytest.fixture
def display() -> Mock:
    return Mock(spec_set=["display"], display=Mock(spec=Display.display))


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
    assert said(display) == ["Breaking off. It was interrupted."]


def test_a_statement_that_takes_long_is_shown_with_its_age(display: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_lines, "_PAUSE_SECONDS", -1.0)
    lines = Lines(display, "db1", 1)
    progress = {"text": "Applying file 1 of 1: a.sql", "statement": "CREATE INDEX …", "seconds": 61.4}
    lines.show({"state": "running"}, progress)
    lines.show({"state": "running"}, {**progress, "done": 50, "total": 200})
    assert said(display)[1] == "Applying file 1 of 1: a.sql: CREATE INDEX … (61 s) 25 %"


def test_a_share_is_said_only_when_the_whole_is_known() -> None:
    assert running({"statement": "UPDATE t", "seconds": 3.2}) == "UPDATE t (3 s)"
    assert running({"statement": "UPDATE t", "seconds": 3.2, "done": 1, "total": 0}) == "UPDATE t (3 s)"


def test_nothing_comes_between_what_a_program_is_to_read(display: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.constants.DEFAULT_STDOUT_CALLBACK", "ansible.posix.json")
    Lines(display, "db1", 1).say("Rolling back")
    assert display.display.call_args.kwargs["stderr"] is True
