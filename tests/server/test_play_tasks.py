# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays that migrate by tasks of their own: well, failing, taking long, and interrupted.

The lease is an hour, so that whatever rolls back is not its lapse, where no test says otherwise.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server import interruptions, matrix
from ansible_collections.pgsafe.migration.tests.server.guarding import AN_HOUR
from ansible_collections.pgsafe.migration.tests.server.interruptions import (
    CHANGE,
    PHASES,
    Phase,
    Playing,
    own_tasks,
    playing,
    require_whole,
)
from ansible_collections.pgsafe.migration.tests.server.matrix import Case, Setting
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible, Played
from ansible_collections.pgsafe.migration.tests.server.support import Database, ours, until

OWN_TASK = PHASES["own task"]


def played(ansible: Ansible, database: Database, root: Path, path: str, **more: object) -> Played:
    variables = database.variables(root, root)
    del variables["pg_migrate_source"]
    own = {"pg_migrate_tasks": path, "pg_migrate_confirm": database.name}
    return ansible.play({"one": {**variables, **own, **more}})


def test_a_play_migrates_once_by_tasks_that_may_take_longer_than_the_lease(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    path = own_tasks(ansible, database, CHANGE, "SELECT pg_sleep(5)")
    first = played(ansible, database, backup_root, path, pg_migrate_guard={"lease": 2})
    assert (first.status, first.verdict("one")) == (0, "migrated and verified"), first.output
    assert ours(database.server, database.name) == set()
    again = played(ansible, database, backup_root, path)
    assert again.verdict("one") == "unchanged: the set was applied before"


@pytest.mark.oldest
def test_tasks_that_fail_are_rolled_back(ansible: Ansible, database: Database, backup_root: Path) -> None:
    before = database.fingerprint()
    found = played(ansible, database, backup_root, own_tasks(ansible, database, CHANGE, "SELECT 1 / 0"))
    assert found.status == 2, found.output
    assert found.verdict("one") == "rolled back: the database is as it was before", found.output
    assert database.fingerprint() == before


@pytest.mark.fault(50)
def test_a_rollback_that_cannot_be_done_is_never_told_as_nothing_changed(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    """The tasks have taken away whatever it could be made of."""
    path = Path(own_tasks(ansible, database, CHANGE))
    tasks = json.loads(path.read_text())
    psql, backup_dir = tasks[0]["ansible.builtin.command"]["argv"][:3], "{{ pg_migrate_backed_up.backup_dir }}"
    copy = f"{database.name}__ready_{{{{ pg_migrate_backed_up.run_id }}}}"
    drop = [*psql, "-d", "postgres", "-c", f"DROP DATABASE {copy}"]
    empty = ["truncate", "-s", "0", f"{backup_dir}/full_backup.dump", f"{backup_dir}/full_backup.sql.gz"]
    for argv in (drop, empty, ["false"]):
        tasks.append({**tasks[0], "ansible.builtin.command": {"argv": argv}})
    path.write_text(json.dumps(tasks))
    found = played(ansible, database, backup_root, str(path))
    assert (found.status, found.verdict("one")) == (2, "ROLLBACK FAILED"), found.output
    assert database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") == "1"


def reason(play: Playing) -> str:
    """Why the guard has broken off."""
    told = play.told("aborting")
    return str(told.facts["reason"]) if told else ""


@pytest.mark.fault(61)
def test_ctrl_c_breaks_off_the_task_that_is_at_work_and_is_followed_by_the_rollback(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    with playing(ansible, database, backup_root, OWN_TASK, pg_migrate_guard={"lease": AN_HOUR}) as play:
        interruptions.ctrl_c(play)
        assert play.terminal.wait() == 2, play.terminal.said
        require_whole(play)
    assert "one rolled back: the database is as it was before" in play.terminal.flat
    assert reason(play) == "Ctrl+C at the controller."


# There the task's ssh client gets Ctrl+C as well, and no rescue follows a host that is unreachable.
LOST = [Case(Setting("2.16", matrix.PIPED, True), "own task", "ctrl_c")]


@pytest.mark.long
@pytest.mark.fault(61)
@pytest.mark.parametrize("case", matrix.possible(LOST), ids=str)
def test_a_host_that_is_lost_by_ctrl_c_is_told_with_who_goes_on(
    controller: Callable[[Setting], Ansible], database: Database, backup_root: Path, case: Case
) -> None:
    patient = {"lease": AN_HOUR}
    with playing(controller(case.setting), database, backup_root, OWN_TASK, pg_migrate_guard=patient) as play:
        interruptions.ctrl_c(play)
        assert play.terminal.wait() == 4, play.terminal.said
        require_whole(play)
    assert "The run undoes itself on the host" in play.terminal.flat
    assert reason(play) == "Ctrl+C at the controller."


@pytest.mark.fault(62)
def test_when_ansible_is_killed_while_a_task_is_at_work_the_rollback_begins_at_once(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    with playing(ansible, database, backup_root, OWN_TASK, pg_migrate_guard={"lease": AN_HOUR}) as play:
        assert len(play.lease_renewers()) == 1
        interruptions.kill_controller(play)
        require_whole(play)
    assert reason(play) == "The controller is gone."


@pytest.mark.long
@pytest.mark.fault(62)
def test_when_ansible_is_suspended_while_a_task_is_at_work_the_lease_lapses(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    with playing(ansible, database, backup_root, OWN_TASK, pg_migrate_guard={"lease": 3}) as play:
        os.kill(play.terminal.pid, signal.SIGSTOP)
        until(lambda: play.told("rolled_back"), "it is rolled back")
        os.kill(play.terminal.pid, signal.SIGCONT)
        assert play.terminal.wait() == 2, play.terminal.said
        require_whole(play)
    assert "one rolled back: the database is as it was before" in play.terminal.flat
    assert reason(play) == "No controller renewed the lease for 3 s: the controller or the network is gone."


# Another session has begun to change the database's row, so that it cannot be renamed.
WAITS = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%RENAME TO%'"


@pytest.mark.long
@pytest.mark.fault(64)
def test_a_window_whose_guard_and_worker_are_killed_before_it_is_open_is_given_up(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    """The parent of the guard starts another one, which knows no more of the job than the task that waits for it."""
    lock = f"GRANT TEMPORARY ON DATABASE {database.name} TO PUBLIC"
    closing = Phase(WAITS, tasks=(CHANGE,), lock=lock)
    with playing(ansible, database, backup_root, closing, pg_migrate_guard={"lease": AN_HOUR}) as play:
        interruptions.kill_guard_and_worker(play)
        play.let_go()
        assert play.terminal.wait() == 2, play.terminal.said
        require_whole(play)
    assert "The guard on the target and its worker are gone." in play.terminal.flat
    assert "one refused: nothing was changed" in play.terminal.flat
