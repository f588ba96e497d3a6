# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The answer of a poll, whatever a terminal, sudo and an unfinished job make of it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils.far_channel import Look, parsed

MARK = "@@pgsafe@@"


def answer(*parts: str, before: str = "") -> str:
    return MARK.join([before, *parts, ""])


def test_an_answer_has_the_state_the_progress_and_the_result() -> None:
    state, progress, result = {"state": "ended", "beat": 7}, {"looks": 3}, {"failed": True, "msg": "It\r\nbroke."}
    found = parsed(answer(json.dumps(state), json.dumps(progress), json.dumps(result)))
    assert found == Look(state, progress, result)
    assert found.pulse == (7, 3)


def test_a_job_that_goes_on_has_no_result_and_perhaps_no_progress() -> None:
    found = parsed(answer('{"state": "running", "beat": 1}', "", ""))
    assert found == Look({"state": "running", "beat": 1}, {}, None)
    assert found.pulse == (1, None)


def test_what_a_terminal_adds_is_taken_away() -> None:
    found = parsed(answer('{"state": "running"}\r\n', "\r\n", "", before="sudo: unable to resolve host\r\n"))
    assert found == Look({"state": "running"}, {}, None)


@pytest.mark.parametrize("said", ["", "sh: 1: Cannot fork", answer("{}"), answer("{}", "{}", "{}", "{}")])
def test_what_is_no_answer_is_none(said: str) -> None:
    assert parsed(said) is None
