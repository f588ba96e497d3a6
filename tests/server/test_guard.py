# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard: a migration that is left alone, or whose processes are killed, ends whole; the database is never half."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import launch, status
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.model import FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.guarding import EVERY, Guarded, guarded
from ansible_collections.pgsafe.migration.tests.server.interruptions import COMMENT_LOCK, SWAPPED
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    SLEEPING,
    Database,
    backends,
    command_lines,
    fenced,
    guards_of,
    ours,
    proven,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import parameters

import pgserver

SLOW = {
    "1.sql": "ALTER TABLE customers ADD grade int;\n",
    "2.sql": "-- pgsafe: no-transaction\nUPDATE customers SET grade = 1;\nSELECT pg_sleep(600);\n",
}


COMMENTS = "SELECT count(shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = '{}'"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "backups"
    found.mkdir(mode=0o700)
    return found


def sleeps(database: Database, job: Guarded) -> None:
    """Until the second file is in the middle of its work."""

    def there() -> bool:
        assert job.channel.result() is None, job.channel.result()
        return database.admin(SLEEPING.format(database.name)) == "1"

    until(there, "the second file runs")


def require_whole(database: Database, before: object) -> None:
    """Open, as it was, with nothing left of the run but the database that it replaced."""
    assert database.fingerprint() == before
    database.sql("CREATE TABLE writable (); DROP TABLE writable")
    assert all("__failed_" in name for name in ours(database.server, database.name))
    until(lambda: not backends(database.server), "everybody of ours has gone")


@pytest.mark.every_major
def test_a_guarded_migration_runs_to_its_end_and_its_guard_goes(database: Database, root: Path, tmp_path: Path) -> None:
    taken = fenced(database, root)
    # Without a lease, which never lapses.
    with guarded(database, taken, 0.0, source=str(write_set(tmp_path / "set", GOOD))) as job:
        result = job.over()
    assert (result["verdict"], result["applied"]) == ("migrated", sorted(GOOD)), result
    assert job.channel.state().state == "ended"  # type: ignore[union-attr]  # over() has waited for it
    assert ours(database.server, database.name) == set()


def test_a_guarded_migration_that_fails_is_rolled_back_by_its_worker(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", BROKEN))) as job:
        result = job.over()
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    assert "division by zero" in result["msg"]
    require_whole(database, before)


@pytest.mark.every_major
def test_a_migration_is_rolled_back_when_the_controller_says_so(database: Database, root: Path, tmp_path: Path) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        job.channel.abort("Somebody pressed Ctrl+C.")
        result = job.over()
    assert result["verdict"] == "rolled_back"
    assert "The migration was interrupted. Somebody pressed Ctrl+C." in result["msg"]
    require_whole(database, before)
    assert [event for event in job.events() if event in ("aborting", "failed", "rolling_back", "rolled_back")] == [
        "aborting",
        "failed",
        "rolling_back",
        "rolled_back",
    ]


def test_a_migration_is_rolled_back_when_its_lease_lapses(database: Database, root: Path, tmp_path: Path) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, lease=1.0, source=str(write_set(tmp_path / "set", SLOW))) as job:
        result = job.over()
    assert "No controller renewed the lease for 1 s" in result["msg"]
    require_whole(database, before)


@pytest.mark.fault(64)
def test_a_worker_that_does_not_heed_that_it_is_to_end_is_killed_and_another_one_rolls_back(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW)), grace=0.5) as job:
        until(lambda: database.admin(SLEEPING.format(database.name)) == "1", "the second file runs")
        (worker,) = job.processes("work")
        os.kill(worker, signal.SIGSTOP)
        job.channel.abort("It was interrupted.")
        result = job.over()
    assert result["verdict"] == "rolled_back", result
    assert "It was interrupted." in result["msg"]
    require_whole(database, before)


def test_a_lease_that_is_renewed_does_not_lapse(database: Database, root: Path, tmp_path: Path) -> None:
    taken = fenced(database, root)
    files = {"1.sql": "ALTER TABLE customers ADD grade int;\nSELECT pg_sleep(4);\n"}
    with guarded(database, taken, lease=2.0, source=str(write_set(tmp_path / "set", files))) as job:
        while job.channel.result() is None:
            (job.directory / "lease").touch()
        assert job.over()["verdict"] == "migrated"


@pytest.mark.fault(64)
def test_a_worker_that_is_killed_is_followed_by_one_that_rolls_back(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        job.kill("work")
        result = job.over()
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    assert "was ended by signal 9" in result["msg"]
    require_whole(database, before)


@pytest.mark.fault(64)
def test_a_worker_whose_guard_is_killed_rolls_back_by_itself(database: Database, root: Path, tmp_path: Path) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        job.kill("guard")
        result = job.over()
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    assert "The guard was killed." in result["msg"]
    require_whole(database, before)


@pytest.mark.fault(66)
def test_what_a_reboot_has_left_is_rolled_back_by_hand_by_the_next_run_or_not_at_all(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        job.kill(*EVERY)
    (left,) = status.run(requests.status(root, database.name))
    assert (left.standing, left.phase, left.guard) == ("left unfinished", "applying", "running")
    command = left.by_hand
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Rolled back: the run {taken.run_id}" in done.stdout
    require_whole(database, before)
    again = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert (again.returncode, "Rolled back" in again.stdout) == (0, False)
    assert recover.run(requests.recover(database.target, root)).done == ()
    (ended,) = status.run(requests.status(root, database.name))
    assert (ended.standing, ended.phase, ended.by_hand) == ("ended", "rolled_back", "")


@pytest.mark.every_major
def test_a_run_that_nobody_comes_back_to_is_given_up_by_its_watchdog(database: Database, root: Path) -> None:
    before = database.fingerprint()
    raised = watched(database, root, idle_timeout=1.0)
    assert database.sql("SHOW default_transaction_read_only") == "on"
    run = journal.of_run(root, raised)
    assert run is not None
    until(lambda: not run.state.fenced, "the watchdog lifts the fence")
    until(lambda: not backends(database.server), "the watchdog goes")
    require_whole(database, before)
    assert [entry.event for entry in run.entries()][-2:] == ["abandoned", "opened"]


def test_a_replication_slot_of_a_run_that_nobody_comes_back_to_is_dropped_by_its_watchdog(
    database: Database, root: Path
) -> None:
    before = database.fingerprint()
    run_id = watched(database, root, idle_timeout=5.0, kind=FOLLOWED)
    proven(database, root, run_id=run_id, proof="verified_copy")
    left = "SELECT slot_name FROM pg_replication_slots UNION ALL SELECT subname FROM pg_subscription"
    assert len(database.admin(left).split()) == 2
    run = journal.of_run(root, run_id)
    assert run is not None
    until(lambda: not run.state.fenced, "the watchdog undoes the run")
    until(lambda: not backends(database.server), "the watchdog goes")
    assert database.admin(left) == ""
    require_whole(database, before)


def test_a_run_whose_controller_is_not_heard_of_any_more_is_given_up_when_its_lease_lapses(
    database: Database, root: Path
) -> None:
    before = database.fingerprint()
    run = journal.of_run(root, watched(database, root, idle_timeout=3600.0, lease=1.0))
    assert run is not None
    until(lambda: not run.state.fenced, "the watchdog lifts the fence")
    until(lambda: not backends(database.server), "the watchdog goes")
    require_whole(database, before)
    abandoned = run.last(Event.ABANDONED)
    assert abandoned is not None
    assert abandoned.facts["reason"] == "No controller has renewed the lease for 1 s."


@pytest.mark.fault(66)
@pytest.mark.parametrize("killed", ["guard", "parent"])
def test_between_two_tasks_a_run_keeps_its_guard_when_the_guard_or_its_parent_is_killed(
    database: Database, root: Path, killed: str
) -> None:
    before = database.fingerprint()
    run = journal.of_run(root, watched(database, root, idle_timeout=3600.0, lease=3600.0))
    assert run is not None
    # On a machine that is busy another one was started, and goes again.
    until(lambda: len(guards_of(root, killed)) == 1, "there is one")
    (known,) = guards_of(root, killed)
    os.kill(known, signal.SIGKILL)
    until(lambda: known not in guards_of(root, killed) and backends(database.server), "a guard holds the lock")
    assert run.state.fenced
    Channel(run.directory).abort("The controller is gone.")
    until(lambda: not run.state.fenced, "the fence is lifted")
    until(lambda: not backends(database.server), "the guard goes")
    require_whole(database, before)


def test_a_run_whose_guard_has_lost_its_session_is_not_taken_for_dead(database: Database, root: Path) -> None:
    """As by a server that was restarted, until the guard has connected again."""
    run = journal.of_run(root, watched(database, root, idle_timeout=3600.0))
    assert run is not None
    # On a machine that is busy another one was started, and goes again.
    until(lambda: len(guards_of(root, "guard")) == 1, "there is one guard")
    (guard,) = guards_of(root, "guard")
    os.kill(guard, signal.SIGSTOP)
    try:
        database.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ^@ 'pgsafe'")
        until(lambda: not backends(database.server), "its session has ended")
        age(run)
        with pytest.raises(Refused, match="has been waiting for its next step"):
            recover.run(requests.recover(database.target, root))
    finally:
        os.kill(guard, signal.SIGCONT)
    Channel(run.directory).abort("The controller is gone.")
    until(lambda: not run.state.fenced, "the watchdog lifts the fence")


def test_the_watch_over_a_fence_goes_on_when_the_directory_of_its_run_is_renamed(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    run = journal.of_run(root, watched(database, root, idle_timeout=3600.0, lease=3600.0))
    assert run is not None
    run.directory.rename(tmp_path / "renamed")
    until(lambda: run.text() is not None and (run.directory / "orders").exists(), "the journal is put back")
    assert run.state.fenced
    Channel(run.directory).abort("The controller is gone.")
    until(lambda: not run.state.fenced, "the watchdog lifts the fence")
    until(lambda: not backends(database.server), "the watchdog goes")
    require_whole(database, before)


def test_a_job_and_the_watch_over_it_go_on_when_the_directory_of_its_run_is_renamed(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = proven(database, root, run_id=watched(database, root, idle_timeout=3600.0))
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        job.directory.parent.rename(tmp_path / "renamed")
        until((job.directory / "lease").exists, "the directory and its channel are made again")
        assert job.processes("work")
        assert job.journal.state.armed
        job.channel.abort("It was requested.")
        result = job.over()
    assert result["verdict"] == "rolled_back"
    require_whole(database, before)


def test_an_order_that_its_guard_did_not_take_in_time_is_withdrawn(
    database: Database, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = proven(database, root, run_id=watched(database, root, idle_timeout=3600.0))
    source = str(write_set(tmp_path / "set", GOOD))
    # On a machine that is busy another one was started, and goes again.
    until(lambda: len(guards_of(root, "guard")) == 1, "there is one guard")
    (guard,) = guards_of(root, "guard")
    os.kill(guard, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr(launch, "_PATIENCE_SECONDS", 0.5)
        with pytest.raises(Refused, match="did not start"), guarded(database, taken, source=source):
            pass
    os.kill(guard, signal.SIGCONT)
    with guarded(database, taken, source=source) as job:
        result = job.over()
    assert result["verdict"] == "migrated"
    assert job.directory.name == "job_2"
    assert Channel(job.directory.with_name("job_1")).state() is None
    assert job.events().count("armed") == 1


def test_a_worker_has_the_environment_of_the_task_that_gave_the_order(
    database: Database, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADE", "of the fence")
    monkeypatch.setenv("ONLY_OF_THE_FENCE", "no")
    taken = proven(database, root, run_id=watched(database, root, idle_timeout=3600.0))
    monkeypatch.setenv("GRADE", "of the migration")
    monkeypatch.delenv("ONLY_OF_THE_FENCE")
    says = """psql -c "COMMENT ON TABLE customers IS '$GRADE${ONLY_OF_THE_FENCE:-}'" >/dev/null"""
    with guarded(database, taken, command=["bash", "-c", says]) as job:
        assert job.over()["verdict"] == "migrated"
    assert database.sql("SELECT obj_description('customers'::regclass)") == "of the migration"
    assert not (job.directory.parent / "orders").exists()


@pytest.mark.parametrize("made_again", [False, True], ids=["removed", "renamed and made again"])
def test_a_watchdog_whose_backup_root_is_gone_lifts_the_fence_and_ends(
    database: Database, root: Path, tmp_path: Path, made_again: bool
) -> None:
    before = database.fingerprint()
    watched(database, root, idle_timeout=3600.0, lease=1.0)
    root.rename(tmp_path / "renamed")
    if made_again:
        root.mkdir(mode=0o700)
    else:
        shutil.rmtree(tmp_path / "renamed")
    until(lambda: not backends(database.server), "the watchdog goes")
    until(lambda: not any(str(root) in " ".join(words) for words in command_lines().values()), "its process ends")
    require_whole(database, before)
    assert database.admin(COMMENTS.format(database.name)) == "0"


def test_a_migration_of_a_run_that_was_given_up_is_refused(database: Database, root: Path, tmp_path: Path) -> None:
    taken = fenced(database, root)
    fence.lift(database.target, root, taken.run_id)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", GOOD))) as job:
        result = job.over()
    assert result["failed"]
    assert "was lifted meanwhile" in result["msg"]
    assert database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") == "0"


@pytest.mark.fault(67)
def test_a_second_run_is_refused_also_from_another_host_and_told_who_is_at_work(
    database: Database, root: Path, tmp_path: Path
) -> None:
    raised = watched(database, root, idle_timeout=3600.0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    who = f"Another run is at work on {database.name}: pgsafe run {raised} fenced .* as postgres from .*, since 2"
    with pytest.raises(Refused, match=who):
        recover.run(requests.recover(database.target, elsewhere))
    with pytest.raises(Refused, match=who):
        fence.run(requests.fence(database.target, elsewhere))
    assert list(elsewhere.iterdir()) == []
    with pytest.raises(Refused, match="has been waiting for its next step"):
        recover.run(requests.recover(database.target, root, idle_timeout=0))
    fence.lift(database.target, root, raised)
    fence.lift(database.target, elsewhere, fence.run(requests.fence(database.target, elsewhere)).run_id)


@pytest.mark.fault(66)
def test_a_watchdog_finishes_what_a_killed_guard_and_worker_have_left(
    database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = proven(database, root, run_id=watched(database, root, idle_timeout=3600.0), proof="verified_copy")
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        job.kill("guard", "work")
        until(lambda: "rolled_back" in job.events(), "the watchdog rolls back")
    until(lambda: not backends(database.server), "the watchdog goes")
    require_whole(database, before)


def watched(
    database: Database, root: Path, idle_timeout: float, lease: float = 0.0, kind: str = "read_only+closed"
) -> str:
    """The run of a fence whose watchdog gives it up after some seconds of rest."""
    target = database.target
    given = parameters(
        pg_fence,
        login_db=target.dbname,
        connect_params=dict(target.params),
        backup_root=str(root),
        idle_timeout=idle_timeout,
        lease=lease,
        kind=kind,
    )
    return str(pg_fence.run(given, False)["run_id"])


def test_no_process_of_a_command_that_is_broken_off_is_left(database: Database, root: Path, tmp_path: Path) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    stubborn = "trap '' INT TERM; psql -c 'ALTER TABLE customers ADD grade int' >/dev/null; setsid sleep 86399 & wait"
    with guarded(database, taken, command=["bash", "-c", stubborn]) as job:
        until(lambda: runs("sleep", "86399"), "the command has started one in a session of its own")
        job.channel.abort("It was requested.")
        result = job.over()
    assert result.get("verdict") == "rolled_back", (result, job.events())
    assert not runs("sleep", "86399")
    require_whole(database, before)


@pytest.mark.fault(65)
def test_a_guard_waits_for_a_server_that_crashes_in_the_migration_and_rolls_back_when_it_is_up_again(
    server: pgserver.Server, database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        server.stop("immediate")
        try:
            until(lambda: (said := job.channel.state()) and said.state == "waiting", "the guard waits for the server")
        finally:
            server.start()
        result = job.over()
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    require_whole(database, before)


@pytest.mark.fault(65)
def test_a_guard_finishes_a_restore_that_a_crash_of_the_server_has_broken_off(
    server: pgserver.Server, database: Database, root: Path, tmp_path: Path
) -> None:
    database.sql(SLOW_ONCE)
    before = database.fingerprint()
    taken = fenced(database, root, proof="scratch")
    database.admin("CREATE DATABASE slow")
    try:
        with guarded(database, taken, source=str(write_set(tmp_path / "set", BROKEN))) as job:
            restoring = "SELECT count(*) FROM pg_stat_activity WHERE datname ^@ '{}__restored_' AND query ~ 'patient'"
            until(lambda: database.admin(restoring.format(database.name)) == "1", "the archive is being restored")
            server.stop("immediate")
            server.start()
            database.admin("DROP DATABASE slow")
            result = job.over()
    finally:
        database.admin("DROP DATABASE IF EXISTS slow")
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    require_whole(database, before)


@pytest.mark.fault(65)
def test_a_guard_repeats_a_cut_over_that_a_crash_of_the_server_has_broken_off_between_its_renames(
    server: pgserver.Server, database: Database, root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", SLOW))) as job:
        sleeps(database, job)
        with database.called("postgres").holding(COMMENT_LOCK.format(database.name)):
            job.channel.abort("Somebody pressed Ctrl+C.")
            until(lambda: database.admin(SWAPPED) == "t", "one of the two is renamed")
            server.stop("immediate")
        server.start()
        result = job.over()
    assert (result["failed"], result["verdict"]) == (True, "rolled_back")
    assert job.events().count("swapping") == 2
    require_whole(database, before)


@pytest.mark.fault(65)
def test_a_crash_of_the_server_behind_a_fence_is_no_reason_to_trust_its_counters_and_none_to_stop(
    server: pgserver.Server, database: Database, root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, root)
    server.stop("immediate")
    server.start()
    with guarded(database, taken, source=str(write_set(tmp_path / "set", GOOD))) as job:
        result = job.over()
    assert result["verdict"] == "migrated", result
    assert ours(server, database.name) == set()


@pytest.mark.fault(65)
@pytest.mark.parametrize("rebooted", [False, True], ids=["by its watchdog", "by the next run after a reboot"])
def test_a_run_whose_server_was_down_as_its_window_began_is_finished_without_its_name(
    server: pgserver.Server, database: Database, root: Path, tmp_path: Path, rebooted: bool
) -> None:
    before = database.fingerprint()
    taken = proven(database, root, run_id=watched(database, root, idle_timeout=3600.0), proof="verified_copy")
    server.stop("immediate")
    try:
        with guarded(database, taken, source=str(write_set(tmp_path / "set", GOOD))) as job:
            until(job.channel.result, "the job fails")
            assert job.journal.state.fenced
            if rebooted:
                job.kill(*EVERY)
            Channel(job.journal.directory).abort("The controller is gone.")
            server.start()
            if rebooted:
                age(job.journal)
                assert len(recover.run(requests.recover(database.target, root)).done) == 1
            until(lambda: not job.journal.state.fenced, "the fence is lifted")
            require_whole(database, before)
    finally:
        server.start()


def age(run: journal.Journal) -> None:
    """Years have passed since each event."""
    path = run.directory / journal.JOURNAL
    path.write_text(re.sub(r'"time": "20\d\d', '"time": "2010', path.read_text()))


# The restore of this index takes for ever while there is a database of that name.
SLOW_ONCE = """
CREATE FUNCTION patient(value bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF pg_catalog.current_database() ~ '__restored_'
     AND EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'slow') THEN
    PERFORM pg_catalog.pg_sleep(600);
  END IF;
  RETURN value;
END $$;
CREATE INDEX patient ON customers (public.patient(id));
"""


def runs(*words: str) -> bool:
    return any(tuple(found[: len(words)]) == words for found in command_lines().values())


def test_a_guard_needs_nothing_of_ansible_and_no_file_that_ansible_has_shipped(
    database: Database, root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, root)
    with guarded(database, taken, source=str(write_set(tmp_path / "set", GOOD))) as job:
        assert job.over()["verdict"] == "migrated"
    look = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from ansible_collections.pgsafe.migration.plugins.module_utils.guard import entry\n"
        "print([name for name in sys.modules if name == 'ansible' or name.startswith('ansible.')], entry.__file__)"
    )
    argv = [sys.executable, "-I", "-c", look, str(job.script)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert said.startswith("[] ")
    assert str(job.script) in said
