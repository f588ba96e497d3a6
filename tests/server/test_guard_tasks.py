# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The window around tasks of somebody's own: what they do is verified, or undone, whatever becomes of them.

Here they are done by the tests themselves; whole plays are in ``test_play_tasks``.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_guard
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.guarding import AN_HOUR, EVERY, Guarded
from ansible_collections.pgsafe.migration.tests.server.support import Database, command_lines, fenced, kill, until
from ansible_collections.pgsafe.migration.tests.server.test_guard import require_whole
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import parameters

CHANGE = "ALTER TABLE customers ADD grade int"


@dataclass(frozen=True)
class Window:
    """One that is open, and the database as the tasks find it."""

    job: Guarded
    inside: Database
    options: dict[str, Any]

    def again(self) -> Mapping[str, Any]:
        return pg_guard.run({**self.options, "state": "armed"}, False)

    def ended(self, state: str) -> Mapping[str, Any]:
        """What the guard comes to when it is told so."""
        told = pg_guard.run({**self.options, "state": state}, False)
        assert told["guard"]["directory"] == str(self.job.directory)
        return self.job.over()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "backups"
    found.mkdir(mode=0o700)
    return found


@contextmanager
def window(database: Database, taken: backup.Backup, lease: float = AN_HOUR, **options: object) -> Iterator[Window]:
    target = database.target
    given = parameters(
        pg_guard,
        login_db=target.dbname,
        connect_params=dict(target.params),
        bin_dir=target.bin_dir,
        backup_dir=str(taken.directory),
        run_id=taken.run_id,
        confirmed_database=database.name,
        tasks="- a task",
        lease=lease,
        **options,
    )
    armed = pg_guard.run(given, False)
    run = journal.of_run(taken.directory.parent.parent, taken.run_id)
    assert run is not None
    guarded = [entry for entry in run.entries() if entry.event is Event.GUARDED]
    job = Guarded(Path(guarded[-1].facts["directory"]))
    try:
        yield Window(job, database.called(armed["database"]), given)
    finally:
        job.kill(*EVERY)


def waiting_for_word(job: Guarded) -> list[int]:
    """The process that waits in the worker for the word that the tasks are done."""
    run = str(job.directory.parent)
    return [pid for pid, words in command_lines().items() if "await" in words and run in " ".join(words)]


@pytest.mark.every_major
def test_what_the_tasks_have_done_is_verified_and_the_database_opened(database: Database, root: Path) -> None:
    with window(database, fenced(database, root)) as opened:
        opened.inside.sql(CHANGE)
        assert opened.again()["changed"] is False
        result = opened.ended("disarmed")
    assert (result.get("verdict"), result["applied"]) == ("migrated", ["the task file"]), result
    assert database.sql("SELECT count(grade) FROM customers") == "0"
    assert pg_guard.run({**opened.options, "state": "armed"}, True)["verdict"] == "unchanged"


def test_tasks_that_failed_are_undone_at_once_and_once(database: Database, root: Path) -> None:
    before = database.fingerprint()
    with window(database, fenced(database, root)) as opened:
        opened.inside.sql(CHANGE)
        assert opened.ended("rolled_back")["verdict"] == "rolled_back"
        require_whole(database, before)
        assert opened.ended("rolled_back")["verdict"] == "rolled_back"
    require_whole(database, before)


def test_tasks_with_which_no_controller_stays_are_undone_and_told_so(database: Database, root: Path) -> None:
    before = database.fingerprint()
    with window(database, fenced(database, root), lease=1.0) as opened:
        opened.inside.sql(CHANGE)
        until(lambda: "rolled_back" in opened.job.events(), "the lease lapses")
        result = opened.ended("disarmed")
    assert result["failed"]
    assert "No controller renewed the lease for 1 s: the controller or the network is gone." in result["msg"]
    assert "was rolled back and is as it was before" in result["msg"]
    require_whole(database, before)


def test_a_window_in_which_nothing_was_done_is_closed_without_a_restore(database: Database, root: Path) -> None:
    before = database.fingerprint()
    with window(database, fenced(database, root)) as opened:
        assert opened.ended("rolled_back")["verdict"] == "failed_unchanged"
    assert "rolling_back" not in opened.job.events()
    require_whole(database, before)


def test_tasks_that_do_harm_are_undone_by_the_verification(database: Database, root: Path) -> None:
    before = database.fingerprint()
    with window(database, fenced(database, root)) as opened:
        opened.inside.sql("DELETE FROM orders")
        result = opened.ended("disarmed")
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    assert "orders" in result["msg"]
    require_whole(database, before)


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("killed", "stopped"),
    [("work", False), ("guard", False), ("guard", True)],
    ids=["worker", "guard", "guard, by a worker that is slow to end"],
)
def test_while_the_tasks_are_at_work_their_worker_and_their_guard_stand_in_for_each_other(
    database: Database, root: Path, killed: str, stopped: bool
) -> None:
    before = database.fingerprint()
    with window(database, fenced(database, root)) as opened:
        opened.inside.sql(CHANGE)
        if stopped:
            # The worker waits for it, and another guard is there before the worker rolls back.
            until(lambda: waiting_for_word(opened.job), "the worker waits for the word")
            kill(waiting_for_word(opened.job), signal.SIGSTOP)
        opened.job.kill(killed)
        # A worker that hears that the tasks are done before it misses its guard verifies them, which is right.
        until(lambda: "rolling_back" in opened.job.events(), "the one that is left rolls back")
        assert opened.ended("disarmed")["verdict"] == "rolled_back"
    require_whole(database, before)


@pytest.mark.fault(66)
def test_what_a_killed_guard_and_worker_leave_of_a_window_the_next_run_undoes(database: Database, root: Path) -> None:
    before = database.fingerprint()
    with window(database, fenced(database, root)) as opened:
        opened.inside.sql(CHANGE)
        opened.job.kill(*EVERY)
    recover.run(requests.recover(database.target, root))
    require_whole(database, before)


def test_no_window_is_opened_without_a_confirmation_or_where_nobody_could_get_in(
    database: Database, root: Path
) -> None:
    with (
        pytest.raises(BadRequest, match="its password is not disclosed"),
        window(database, fenced(database, root, "connect")),
    ):
        pass
    recover.run(requests.recover(database.target, root, idle_timeout=0))
    taken = fenced(database, root)
    with pytest.raises(BadRequest, match="needs a lease"), window(database, taken, lease=0.0):
        pass
    with pytest.raises(Refused), window(database, taken, confirmed_by="nobody", level="restore") as opened:
        pg_guard.run({**opened.options, "run_id": "20000101_000000", "state": "disarmed"}, False)
