# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays that migrate by tasks of their own: well, failing, taking long, and interrupted.

The lease is an hour, so that whatever rolls back is not its lapse, where no test says otherwise.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import journal
from ansible_collections.pgsafe.migration.tests.server import matrix
from ansible_collections.pgsafe.migration.tests.server.guarding import AN_HOUR
from ansible_collections.pgsafe.migration.tests.server.matrix import Setting
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    SLEEPING,
    Database,
    backends,
    ours,
    seconds_until,
    until,
)
from ansible_collections.pgsafe.migration.tests.server.terminals import CTRL_C, Terminal, family, terminal
from ansible_collections.pgsafe.migration.tests.server.test_guard import require_whole

import controllers

CHANGE = "ALTER TABLE customers ADD grade int"
OWN = Setting(controllers.own(), matrix.LOCAL, True)
SETTINGS = [
    OWN,
    Setting("2.16", matrix.LOCAL, True),
    Setting("2.16", matrix.PIPED, True),
    Setting("2.21", matrix.BECOME, True),
]


def tasks(ansible: Ansible, database: Database, sql: str) -> str:
    """A file of one task, which changes the database and does something else."""
    path = ansible.home / "tasks.yml"
    psql = [str(database.server.bin_dir / "psql"), "-v", "ON_ERROR_STOP=1", "-d", "{{ pg_migrate_guarded_db }}"]
    environment = {name: value for name, value in database.server.environment().items() if name.startswith("PG")}
    task = {"name": "Alter", "ansible.builtin.command": {"argv": [*psql, "-c", CHANGE, "-c", sql]}}
    path.write_text(json.dumps([{**task, "environment": environment}]))
    return str(path)


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT 1 / 0"], ids=["well", "failing"])
def test_a_play_migrates_by_tasks_of_its_own(ansible: Ansible, database: Database, backup_root: Path, sql: str) -> None:
    before = database.fingerprint()
    variables = database.variables(backup_root, backup_root)
    del variables["pg_migrate_source"]
    own = {"pg_migrate_tasks": tasks(ansible, database, sql), "pg_migrate_confirm": database.name}
    played = ansible.play({"one": {**variables, **own}})
    if sql == "SELECT 1":
        assert (played.status, played.verdict("one")) == (0, "migrated and verified"), played.output
        again = ansible.play({"one": {**variables, **own}})
        assert again.verdict("one") == "unchanged: the set was applied before"
        return
    assert played.status == 2, played.output
    assert played.verdict("one") == "rolled back: the database is as it was before", played.output
    require_whole(database, before)


@pytest.mark.fault(50)
def test_a_rollback_that_cannot_be_done_is_never_told_as_nothing_changed(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    """The tasks have taken away whatever it could be made of."""
    path = Path(tasks(ansible, database, "SELECT 1"))
    found = json.loads(path.read_text())
    psql, backup_dir = found[0]["ansible.builtin.command"]["argv"][:3], "{{ pg_migrate_backup.backup_dir }}"
    drop = [*psql, "-d", "postgres", "-c", f"DROP DATABASE {database.name}__ready_{{{{ pg_migrate_backup.run_id }}}}"]
    empty = ["truncate", "-s", "0", f"{backup_dir}/full_backup.dump", f"{backup_dir}/full_backup.sql.gz"]
    for argv in (drop, empty, ["false"]):
        found.append({**found[0], "ansible.builtin.command": {"argv": argv}})
    path.write_text(json.dumps(found))
    variables = database.variables(backup_root, backup_root)
    del variables["pg_migrate_source"]
    played = ansible.play({"one": {**variables, "pg_migrate_tasks": str(path), "pg_migrate_confirm": database.name}})
    assert (played.status, played.verdict("one")) == (2, "ROLLBACK FAILED"), played.output
    assert database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") == "1"


@contextmanager
def working(ansible: Ansible, database: Database, root: Path, lease: float = AN_HOUR) -> Iterator[Terminal]:
    """A play in the middle of its task."""
    variables = database.variables(root, root)
    del variables["pg_migrate_source"]
    own = {"pg_migrate_tasks": tasks(ansible, database, "SELECT pg_sleep(600)"), "pg_migrate_confirm": database.name}
    inventory = ansible.inventory({"one": {**variables, **own, "pg_migrate_lease": lease}})
    with terminal(ansible, ["ansible-playbook", "pgsafe.migration.migrate", "-i", inventory]) as play:

        def sleeps() -> bool:
            assert not play.ended(), play.said
            return database.admin(SLEEPING.format(database.name)) == "1"

        until(sleeps, "the task is at work")
        yield play


def keepers(play: Terminal, ansible: Ansible) -> list[int]:
    """What the play has left to stay with its guard: the only one of its processes whose parent has ended."""
    known, found = set(family(play.pid)), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            of_play = str(ansible.home).encode() in (entry / "environ").read_bytes()
            if of_play and b"ansible-playbook" in (entry / "cmdline").read_bytes() and int(entry.name) not in known:
                found.append(int(entry.name))
    return found


def reasons(root: Path) -> list[str]:
    """Why the guard has broken off."""
    return [entry.facts["reason"] for entry in journal.all_runs(root)[-1].entries() if entry.event == "aborting"]


@pytest.mark.fault(61)
@pytest.mark.parametrize("setting", matrix.possible_settings(SETTINGS), ids=str)
def test_ctrl_c_breaks_off_the_task_that_is_at_work_and_is_followed_by_the_rollback(
    controller: Callable[[Setting], Ansible], database: Database, backup_root: Path, setting: Setting
) -> None:
    before, ansible = database.fingerprint(), controller(setting)
    with working(ansible, database, backup_root) as play:
        play.type(CTRL_C)
        status = play.wait()
        until(lambda: not keepers(play, ansible), "the keeper has gone")
    if setting.core == "2.16" and setting.connection != matrix.LOCAL:
        # There Ctrl+C goes to the task's ssh client as well, and no rescue follows a host that is unreachable.
        assert (status, "The run undoes itself on the host" in play.flat) == (4, True), play.said
    else:
        assert (status, "one rolled back: the database is as it was" in play.flat) == (2, True), play.said
    until(lambda: journal.all_runs(backup_root)[-1].last("rolled_back"), "it is rolled back")
    assert reasons(backup_root) == ["It was interrupted at the controller (Ctrl+C)."]
    require_whole(database, before)


@pytest.mark.fault(62)
@pytest.mark.parametrize("setting", matrix.possible_settings(SETTINGS), ids=str)
def test_when_ansible_is_killed_while_a_task_is_at_work_the_rollback_begins_at_once(
    controller: Callable[[Setting], Ansible],
    database: Database,
    backup_root: Path,
    setting: Setting,
    record_property: Callable[[str, object], None],
) -> None:
    before, ansible = database.fingerprint(), controller(setting)
    with working(ansible, database, backup_root) as play:
        os.kill(play.pid, signal.SIGKILL)
        seconds = seconds_until(lambda: bool(reasons(backup_root)), "the guard has heard of it")
        until(lambda: journal.all_runs(backup_root)[-1].last("rolled_back"), "it is rolled back")
        until(lambda: not keepers(play, ansible), "the keeper has gone")
    assert reasons(backup_root) == ["The controller is gone."]
    until(lambda: not backends(database.server), "everybody of ours has gone")
    require_whole(database, before)
    record_property("seconds until the journal tells of it", f"{seconds:.2f} after the kill at a task: {setting}")


@pytest.mark.fault(62)
def test_when_all_of_the_controller_is_gone_while_a_task_is_at_work_the_lease_lapses(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    before = database.fingerprint()
    with working(ansible, database, backup_root, lease=3) as play:
        (keeper,) = keepers(play, ansible)
        for pid in [keeper, *family(play.pid)]:
            os.kill(pid, signal.SIGKILL)
        until(lambda: journal.all_runs(backup_root)[-1].last("rolled_back"), "it is rolled back")
    assert reasons(backup_root) == ["Nobody renewed the lease for 3 s: the controller or the network is gone."]
    until(lambda: not backends(database.server), "everybody of ours has gone")
    require_whole(database, before)


@pytest.mark.fault(62)
def test_when_ansible_is_suspended_while_a_task_is_at_work_the_lease_lapses(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    before = database.fingerprint()
    with working(ansible, database, backup_root, lease=3) as play:
        os.kill(play.pid, signal.SIGSTOP)
        until(lambda: journal.all_runs(backup_root)[-1].last("rolled_back"), "it is rolled back")
        os.kill(play.pid, signal.SIGCONT)
        assert play.wait() == 2, play.said
    assert "one rolled back: the database is as it was before" in play.flat, play.said
    assert reasons(backup_root) == ["Nobody renewed the lease for 3 s: the controller or the network is gone."]
    require_whole(database, before)


def test_a_task_may_take_longer_than_the_lease(ansible: Ansible, database: Database, backup_root: Path) -> None:
    variables = database.variables(backup_root, backup_root)
    del variables["pg_migrate_source"]
    own = {"pg_migrate_tasks": tasks(ansible, database, "SELECT pg_sleep(5)"), "pg_migrate_confirm": database.name}
    played = ansible.play({"one": {**variables, **own, "pg_migrate_lease": 2}})
    assert (played.status, played.verdict("one")) == (0, "migrated and verified"), played.output
    assert ours(database.server, database.name) == set()
