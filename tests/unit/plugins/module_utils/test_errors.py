# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An error says what failed, what state was left and what to do next."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import errors
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Problem


def test_an_error_reads_as_cause_then_state_then_remedy() -> None:
    error = PgsafeError("The disk is full. ", "The copy was dropped.", "Free space.")
    assert str(error) == "The disk is full. The copy was dropped. Free space."


def test_an_error_without_more_says_that_nothing_was_changed() -> None:
    assert str(PgsafeError("It broke.")) == "It broke. Nothing was changed."


def test_a_failed_undo_is_added_behind_the_first_cause() -> None:
    error = PgsafeError("It broke.", "Half is done.").joined("no way back").joined("nor forward")
    assert str(error) == "It broke. While undoing: no way back. While undoing: nor forward. Half is done."
    assert error.facts()["undo_problems"] == ["no way back", "nor forward"]


def test_a_caller_who_knows_better_tells_the_state() -> None:
    error = PgsafeError("It broke.")
    assert error.with_state("Something is left.") is error
    assert error.facts()["state_left"] == "Something is left."


def test_the_facts_of_an_error_are_its_parts() -> None:
    assert PgsafeError("what", "state", "remedy").facts() == {
        "what_failed": "what",
        "state_left": "state",
        "remedy": "remedy",
        "undo_problems": [],
    }


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)],
)
def test_every_error_is_caught_by_the_one_base(kind: type[Exception]) -> None:
    with pytest.raises(PgsafeError, match="something"):
        raise kind("something")


def test_a_command_s_failure_keeps_its_status_and_its_words() -> None:
    error = errors.CommandFailed("psql failed", status=-9, stderr="killed", remedy="again")
    assert (error.status, error.stderr, error.remedy) == (-9, "killed", "again")


def test_a_lock_that_was_not_granted_is_a_refused_statement_with_its_sqlstate() -> None:
    error = errors.LockNotAvailable("locked", "55P03")
    assert isinstance(error, errors.QueryFailed)
    assert error.sqlstate == "55P03"


def test_a_problem_is_one_line_with_severity_check_and_remedy() -> None:
    assert Problem("disk", "error", "It is full.", "Free it.").as_text() == "[error] disk: It is full. Free it."
    assert Problem("disk", "info", "It is small.", "").as_text() == "[info] disk: It is small."
