# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays that are interrupted, on several ansible-core, locally and over ssh, with the callback and without it.

With the long ones each version, connection, callback, phase and event is here, and each fence that loses no write;
tests/exhaustive has each event in each phase with each version, connection and callback.
The lease is an hour, so that whatever rolls back is not its lapse, where no test says otherwise.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server import interruptions, matrix, sshd
from ansible_collections.pgsafe.migration.tests.server.interruptions import (
    PHASES,
    UNDER_BRAKE,
    playing,
    require_whole,
)
from ansible_collections.pgsafe.migration.tests.server.matrix import Case, Setting
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import Database, kill, ours, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import controllers

AN_HOUR = 3600

CHOSEN = [
    Case(Setting("2.16", "local", True), "migrate", "ctrl_c", FOLLOWED),
    Case(Setting("2.19", "local", True), "swap", "ctrl_c"),
    Case(Setting("2.21", "ssh with sudo", True), "own task", "hang_up"),
]
MORE = [
    Case(Setting("2.21", "ssh", False), "migrate", "kill_worker", COPIED),
    Case(Setting("2.16", "ssh", False), "rollback", "ctrl_c_twice"),
    Case(Setting("2.16", "ssh -t", True), "backup", "hang_up"),
    Case(Setting("2.19", "local", False), "preflight", "ctrl_c"),
    Case(Setting("2.19", "local", True), "confirm", "ctrl_c_twice", FOLLOWED),
    Case(Setting("2.21", "ssh", True), "post-verify", "kill_controller", COPIED),
    Case(Setting("2.21", "ssh -t", False), "proof", "terminate"),
]
LONG = [pytest.param(case, marks=pytest.mark.long) for case in matrix.possible(MORE)]
OWN_OVER_SSH = Setting(controllers.own(), "ssh", True)


@pytest.mark.fault(61)
@pytest.mark.fault(62)
@pytest.mark.fault(64)
@pytest.mark.parametrize("case", [*matrix.possible(CHOSEN), *LONG], ids=str)
def test_an_interrupted_play_leaves_the_database_as_it_was(
    controller: Callable[[Setting], Ansible],
    database: Database,
    backup_root: Path,
    case: Case,
    record_property: Callable[[str, object], None],
) -> None:
    seconds = matrix.interrupt(controller(case.setting), database, backup_root, case, AN_HOUR)
    if seconds is not None:
        record_property("seconds until the journal tells of it", f"{seconds:.2f} after {case}")


@pytest.mark.fault(64)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_the_empty_database_of_a_preflight_is_dropped_by_it_or_by_the_next_run(
    ansible: Ansible, database: Database, backup_root: Path, number: signal.Signals
) -> None:
    with playing(ansible, database, backup_root, PHASES["preflight"]) as play:
        kill(play.modules(), number)
        play.let_go()
        play.terminal.wait()
        until(lambda: not interruptions.left(play), "nobody of the play is there")
    beside = ours(database.server, database.name)
    done = recover.run(requests.recover(database.target, backup_root)).done
    assert done == tuple(f"Dropped the copy {name} that an interrupted run had left" for name in beside)
    assert len(beside) == (1 if number == signal.SIGKILL else 0)
    require_whole(play)


@pytest.mark.fault(64)
def test_a_host_that_ends_the_processes_of_a_session_has_the_database_rolled_back_first(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    with playing(ansible, database, backup_root, PHASES["migrate"], pg_migrate_guard={"lease": AN_HOUR}) as play:
        assert play.processes("parent")
        interruptions.log_out(play)
        until(lambda: play.told("rolled_back"), "the guard has rolled back")
        assert play.terminal.wait() == 2, play.terminal.said
        require_whole(play)
    assert "one rolled back: the database is as it was before" in play.terminal.flat


@pytest.mark.long
@pytest.mark.over_ssh
@pytest.mark.fault(63)
def test_when_the_network_is_gone_the_lease_lapses_and_the_play_hears_of_it_afterwards(
    ansible: Ansible, logins: sshd.Sshd, database: Database, backup_root: Path
) -> None:
    with sshd.network(logins) as (port, cable):
        behind = matrix.over_ssh(ansible, logins, matrix.PIPED, port)
        with playing(behind, database, backup_root, PHASES["migrate"], pg_migrate_guard={"lease": 3}) as play:
            cable.send_signal(signal.SIGSTOP)
            until(lambda: play.told("rolled_back"), "the guard has rolled back")
            cable.send_signal(signal.SIGCONT)
            assert play.terminal.wait() == 2, play.terminal.said
            require_whole(play)
    assert "No controller renewed the lease for 3 s" in play.terminal.flat
    assert "one rolled back: the database is as it was before" in play.terminal.flat


@pytest.mark.over_ssh
@pytest.mark.fault(63)
def test_a_play_goes_on_when_its_ssh_clients_are_killed(
    controller: Callable[[Setting], Ansible], database: Database, backup_root: Path
) -> None:
    patient = {"lease": AN_HOUR}
    with playing(controller(OWN_OVER_SSH), database, backup_root, UNDER_BRAKE, pg_migrate_guard=patient) as play:
        lease = max(backup_root.glob(".runs/*/job_*/lease"))
        interruptions.kill_ssh(play)
        killed = lease.stat().st_mtime_ns
        until(lambda: lease.stat().st_mtime_ns > killed, "the lease is renewed again")
        play.let_go()
        assert play.terminal.wait() == 0, play.terminal.said
    assert "one migrated and verified" in play.terminal.flat
    assert database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") == "1"
