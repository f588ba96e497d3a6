# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first failure stops the others, is waited for, and is the one that is told."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Interrupted, PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.parallel import Stop, together


def test_every_piece_runs_beside_the_others() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def meets(_stop: Stop) -> None:
        meeting.wait()

    together([meets, meets, meets])
    assert not meeting.broken


def test_the_first_failure_is_told_and_not_the_stops_it_caused() -> None:
    begun = threading.Event()

    def goes_on(stop: Stop) -> None:
        begun.set()
        while True:
            stop.check()

    def fails(_stop: Stop) -> None:
        begun.wait(10)
        raise PgsafeError("the disk is full")

    with pytest.raises(PgsafeError, match="the disk is full"):
        together([goes_on, goes_on, fails])


def test_a_failure_is_told_when_every_piece_has_ended() -> None:
    ended: list[str] = []

    def slow(stop: Stop) -> None:
        woken = threading.Event()
        with stop.calling(woken.set):
            woken.wait(10)
        ended.append("slow")

    def fails(_stop: Stop) -> None:
        raise PgsafeError("no")

    with pytest.raises(PgsafeError, match="no"):
        together([slow, fails])
    assert ended == ["slow"]


def test_a_wait_is_ended_by_its_callback_and_only_inside_its_block() -> None:
    stop, called = Stop(), list[str]()
    with stop.calling(lambda: called.append("over")):
        pass
    with stop.calling(lambda: called.append("inside")):
        stop.set()
    assert called == ["inside"]
    with pytest.raises(Interrupted):
        stop.check()


def test_a_piece_that_is_told_to_stop_from_elsewhere_stops() -> None:
    stop = Stop()

    def goes_on(given: Stop) -> None:
        stop.set()
        given.check()

    with pytest.raises(Interrupted):
        together([goes_on], stop)


def test_an_accident_is_told_as_well_as_an_error_of_ours() -> None:
    def breaks(_stop: Stop) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        together([breaks])


def test_chunks_are_handed_on_until_another_piece_fails() -> None:
    stop = Stop()
    chunks = stop.checked(iter([b"one", b"two"]))
    assert next(chunks) == b"one"
    stop.set()
    with pytest.raises(Interrupted):
        next(chunks)
