# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Orders reach the guard of a run, whole or not at all, and leave nothing in a file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.inbox import Inbox
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.order import ORDERS, Order, send
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import GUARD_LOCK, Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


def order(run: Path, text: str = "secret") -> Order:
    request = requests.recover(Target({"password": text}, "app"), run)
    return Order("recover", request, str(run), str(run / "job_1"), lease=30.0)


@pytest.fixture(params=[False, True], ids=["with named pipes", "without"])
def run(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a run, on a filesystem that has named pipes or none."""
    made = os.mkfifo

    def refused(path: Path, mode: int) -> None:
        if Path(path).parent == tmp_path:
            raise PermissionError(1, "Operation not permitted")
        made(path, mode)

    if request.param:
        monkeypatch.setattr(os, "mkfifo", refused)
    return tmp_path


def test_without_a_guard_no_order_is_taken(run: Path) -> None:
    assert not send(run, order(run))
    assert not Journal(run).guarded


def test_orders_arrive_in_their_turn_and_stand_in_no_file(run: Path) -> None:
    guard = Inbox(run)
    assert list(guard.orders()) == []
    assert Journal(run).guarded
    sent = [order(run), order(run, "another")]
    assert [send(run, given) for given in sent] == [True, True]
    assert [path.name for path in run.iterdir() if path.is_file() and "secret" in path.read_text()] == []
    assert list(guard.orders()) == sent
    assert list(guard.orders()) == []
    guard.close()
    assert [path.name for path in run.iterdir()] == [GUARD_LOCK]


def test_an_order_that_a_pipe_cannot_hold_arrives_whole(run: Path) -> None:
    guard, large = Inbox(run), order(run, "x" * 500_000)
    assert list(guard.orders()) == []
    sender = threading.Thread(target=send, args=(run, large))
    sender.start()
    found: list[Order] = []
    while not found:
        found += guard.orders()
    sender.join()
    assert found == [large]


def test_what_a_killed_sender_has_left_is_no_order(tmp_path: Path) -> None:
    guard = Inbox(tmp_path)
    assert list(guard.orders()) == []
    with (tmp_path / ORDERS).open("wb") as pipe:
        pipe.write(order(tmp_path).packed()[:40])
    assert list(guard.orders()) == []
    assert send(tmp_path, order(tmp_path))
    assert list(guard.orders()) == [order(tmp_path)]


def test_a_sender_that_hangs_in_the_middle_of_an_order_spoils_no_other(tmp_path: Path) -> None:
    guard, sent = Inbox(tmp_path), order(tmp_path)
    assert list(guard.orders()) == []
    with (tmp_path / ORDERS).open("wb") as pipe:
        pipe.write(b"{}")
        pipe.flush()
        assert [send(tmp_path, sent), list(guard.orders())] == [True, []]
        # The first was spoiled, and is sent again when it is not acknowledged.
        assert [send(tmp_path, sent), list(guard.orders())] == [True, [sent]]


@pytest.mark.parametrize("given", [b"{}", b"[]", b"1", b"\xff", b'{"type": "dict", "value": [["job", "of another"]]}'])
def test_what_is_no_order_of_this_version_is_passed_over(tmp_path: Path, given: bytes) -> None:
    guard = Inbox(tmp_path)
    assert list(guard.orders()) == []
    assert files.send_line(tmp_path / ORDERS, given)
    assert list(guard.orders()) == []


def test_no_order_is_written_into_a_file_that_has_the_name_of_a_pipe(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("")
    (tmp_path / ORDERS).write_text(str(other))
    assert not send(tmp_path, order(tmp_path))
    assert other.read_text() == ""


@pytest.mark.parametrize("copied", [False, True])
def test_the_guard_makes_its_inbox_again_when_the_directory_of_its_run_was_made_again(
    tmp_path: Path, copied: bool
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    guard = Inbox(run)
    assert list(guard.orders()) == []
    run.rename(tmp_path / "renamed")
    with pytest.raises(FileFailed):
        list(guard.orders())
    run.mkdir()
    if copied:
        os.mkfifo(run / ORDERS)
    assert list(guard.orders()) == []
    assert Journal(run).guarded
    assert send(run, order(run))
    assert list(guard.orders()) == [order(run)]
