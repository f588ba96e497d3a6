# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A question at a real terminal: whenever it comes, a Ctrl+C ends it; what was typed before is no answer."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import question

CTRL_C = b"\x03"
A_WHILE = 100.0


@dataclass
class Sitting:
    """A person at a terminal.

    :param shown: whether the question was shown.
    """

    ours: int
    theirs: int
    shown: list[bool] = field(default_factory=list)

    def asked(self, typed: bytes = b"", interrupted: Callable[[], str] = str, seconds: float = A_WHILE) -> bytes:
        """The answer, when this is typed as soon as the question is shown."""

        def show() -> None:
            self.shown.append(True)
            self.type(typed)

        return question.ask(self.theirs, show, interrupted, seconds)

    def type(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def seen(self, count: int) -> bytes:
        """The first bytes on the terminal, which may come one at a time."""
        found = b""
        while len(found) < count:
            found += os.read(self.ours, count - len(found))
        return found

    def mode(self) -> list[object]:
        return termios.tcgetattr(self.theirs)


@pytest.fixture
def sitting() -> Iterator[Sitting]:
    ours, theirs = pty.openpty()
    found = Sitting(ours, theirs)
    yield found
    os.close(theirs)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (b"yes\r", b"yes"),
        (b"yes\n", b"yes"),
        (b"\r", b""),
        (b"yess\x7f\r", b"yes"),
        (b"\x7f\x08no\r", b"no"),
        ("ja, ä\r".encode(), "ja, ä".encode()),
        (b"yes\rno\r", b"yes"),
    ],
)
def test_the_answer_is_what_was_typed_before_enter(sitting: Sitting, typed: bytes, answer: bytes) -> None:
    before = sitting.mode()
    assert sitting.asked(typed) == answer
    assert sitting.mode() == before


@pytest.mark.parametrize("early", [b"yes\n", b"yes", b"\n\n"])
def test_what_was_typed_before_the_question_is_no_answer(sitting: Sitting, early: bytes) -> None:
    sitting.type(early)
    assert sitting.asked(b"no\r") == b"no"


def single_keys(sitting: Sitting) -> None:
    """The mode that the question makes, before it has read anything."""
    mode = termios.tcgetattr(sitting.theirs)
    mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
    termios.tcsetattr(sitting.theirs, termios.TCSANOW, mode)


def test_ctrl_c_between_the_change_of_the_mode_and_the_question_ends_it(sitting: Sitting) -> None:
    single_keys(sitting)
    sitting.type(b"ye" + CTRL_C)
    with pytest.raises(question.Unanswered, match="interrupted"):
        sitting.asked(b"yes\r")
    assert sitting.shown == []


@pytest.mark.parametrize("typed", [CTRL_C, b"ye" + CTRL_C, b"yes\r" + CTRL_C])
def test_ctrl_c_while_the_question_stands_ends_it_behind_an_answer_too(sitting: Sitting, typed: bytes) -> None:
    before = sitting.mode()
    with pytest.raises(question.Unanswered, match="interrupted"):
        sitting.asked(typed)
    assert sitting.mode() == before


def test_ctrl_c_between_the_answer_and_the_change_back_of_the_mode_ends_it(sitting: Sitting) -> None:
    single_keys(sitting)
    keys = question._Keys(sitting.theirs)
    with pytest.raises(question.Unanswered, match="interrupted"), keys.read_singly():
        sitting.type(CTRL_C)


def test_another_key_may_interrupt(sitting: Sitting) -> None:
    mode = termios.tcgetattr(sitting.theirs)
    mode[6][termios.VINTR] = b"\x18"
    termios.tcsetattr(sitting.theirs, termios.TCSANOW, mode)
    with pytest.raises(question.Unanswered):
        sitting.asked(b"\x18")


def test_a_signal_that_came_before_the_mode_was_changed_ends_the_question(sitting: Sitting) -> None:
    before, reasons = sitting.mode(), iter(["", "", "It was Ctrl+C."])
    with pytest.raises(question.Unanswered, match=r"^It was Ctrl\+C\.$"):
        sitting.asked(interrupted=lambda: next(reasons))
    assert sitting.mode() == before


def test_when_the_time_is_up_what_was_typed_is_no_answer(sitting: Sitting) -> None:
    assert sitting.asked(b"yes", seconds=0.3) == b""


def test_a_terminal_that_is_gone_ends_the_question(sitting: Sitting) -> None:
    with pytest.raises(question.Unanswered):
        question.ask(sitting.theirs, lambda: os.close(sitting.ours), str, A_WHILE)


def test_what_is_typed_is_seen(sitting: Sitting) -> None:
    sitting.asked(b"no!\x7f\x1b\r")
    assert sitting.seen(7) == b"no!\b \b?"
