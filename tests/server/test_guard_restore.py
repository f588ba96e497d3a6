# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore by hand under its guard: broken off it leaves everything as it was, left alone it goes on to its end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import supervision
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import sources
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Interrupted
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import launch
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_restore_safe
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import parallel, signals
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.guarding import AN_HOUR, EVERY, Guarded
from ansible_collections.pgsafe.migration.tests.server.support import (
    HELD_UP,
    Database,
    back_up,
    backends,
    fenced,
    held_up,
    ours,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import parameters


@pytest.fixture
def taken(database: Database, backup_root: Path) -> backup.Backup:
    """A backup of a database that was changed since."""
    database.sql(HELD_UP)
    found = back_up(database, backup_root)
    database.sql("DELETE FROM orders")
    return found


@contextmanager
def restoring(database: Database, taken: backup.Backup, lease: float = AN_HOUR, **options: object) -> Iterator[Guarded]:
    target = database.target
    found = parameters(
        pg_restore_safe,
        login_db=target.dbname,
        connect_params=dict(target.params),
        bin_dir=target.bin_dir,
        backup_dir=str(taken.directory),
        lease=lease,
        **options,
    )
    run = journal.of_run(taken.directory.parent.parent, taken.run_id)
    assert run is not None
    job = Guarded(Path(launch.start("restore", pg_restore_safe.request(found), supervision(found), run)["directory"]))
    try:
        yield job
    finally:
        job.kill(*EVERY)


def stands_still(database: Database, job: Guarded) -> None:
    """Until the restore is in the middle of a table."""
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE datname ^@ '{database.name}__' AND wait_event = 'PgSleep'"

    def there() -> bool:
        assert job.channel.result() is None, job.channel.result()
        return database.admin(waiting) == "1"

    until(there, "the restore is in the middle of a table")


def require_untouched(database: Database, result: object) -> None:
    assert database.sql("SELECT count(*) FROM orders") == "0"
    database.sql("CREATE TABLE writable (); DROP TABLE writable")
    assert (ours(database.server, database.name), backends(database.server)) == (set(), []), result


def require_rolled_back(database: Database, before: object) -> None:
    assert database.fingerprint() == before
    assert all("__failed_" in name for name in ours(database.server, database.name))


def test_a_rollback_that_nobody_hears_of_goes_on_to_its_end(database: Database, backup_root: Path) -> None:
    database.sql(HELD_UP)
    before, taken = database.fingerprint(), back_up(database, backup_root)
    database.sql("DELETE FROM orders")
    with restoring(database, taken, lease=0.2) as job:
        with held_up(database):
            stands_still(database, job)
            told = job.directory / "progress.json"
            until(lambda: told.exists() and "restoring" in told.read_text(), "it is told how the restore gets on")
            # The guard has looked at the lease often enough.
            beat = job.channel.state()
            until(lambda: job.channel.state() != beat, "the guard's heart beats")
        result = job.over()
    assert (result.get("failed"), result["state"], result["method"]) == (None, "rolled_back", "archive"), result
    require_rolled_back(database, before)


@pytest.mark.fault(61)
@pytest.mark.parametrize("new", [False, True], ids=["rollback", "new database"])
def test_a_restore_that_is_broken_off_leaves_everything_as_it_was(
    database: Database, taken: backup.Backup, new: bool
) -> None:
    name = f"{database.name}__new" if new else None
    with held_up(database), restoring(database, taken, new_database=name) as job:
        stands_still(database, job)
        job.channel.abort("Somebody pressed Ctrl+C.")
        result = job.over()
    noun = "restore" if new else "rollback"
    assert f"The {noun} was interrupted. Somebody pressed Ctrl+C." in result["msg"]
    require_untouched(database, result)


@pytest.mark.fault(61)
def test_a_signal_while_the_database_is_created_leaves_none_behind(database: Database, taken: backup.Backup) -> None:
    """CREATE DATABASE is done before Python hears of the signal."""
    source = sources.of(database.target, taken.directory, manifests.read(taken.directory), 1)
    name = f"{database.name}__restored_{taken.run_id}"
    waits = "SELECT count(*) FROM pg_stat_activity WHERE query ^@ 'CREATE DATABASE' AND wait_event_type = 'Lock'"
    with database.holding("COMMENT ON DATABASE template0 IS 'held'") as holder:

        def struck(_over: threading.Event) -> None:
            until(lambda: database.admin(waits) == "1", "the database is being created")
            os.kill(os.getpid(), signal.SIGTERM)
            holder.rollback()

        with (
            pytest.raises(Interrupted),
            parallel.beside(struck),
            signals.raised(),
            copies.new(database.target, name, source),
        ):
            time.sleep(AN_HOUR)
    assert name not in ours(database.server, database.name)


@pytest.mark.fault(64)
def test_a_restore_whose_worker_is_killed_begins_again(database: Database, taken: backup.Backup) -> None:
    with restoring(database, taken) as job:
        with held_up(database):
            stands_still(database, job)
            (first,) = job.processes("work")
            job.kill("work")
            until(lambda: job.processes("work") not in ([], [first]), "another worker is at work")
        result = job.over()
    assert result["state"] == "rolled_back", result
    assert database.sql("SELECT count(*) FROM orders") != "0"


@pytest.mark.fault(61)
def test_a_rollback_that_a_run_needs_leaves_the_database_closed_when_it_is_broken_off(
    database: Database, backup_root: Path
) -> None:
    """Nobody may work on half a migration, so only a rollback opens what an interrupted run has closed."""
    database.sql(HELD_UP)
    before, taken = database.fingerprint(), fenced(database, backup_root, proof="scratch")
    run = journal.of_run(backup_root, taken.run_id)
    raised = fence.recorded(run) if run else None
    assert run is not None
    assert raised is not None
    way_in = fence.close(database.target, raised, run)
    run.append(Event.ARMED, digest="", backup_dir=str(taken.directory), sequences="backup")
    database.called(str(way_in.dbname)).sql("DELETE FROM orders")
    with held_up(database), restoring(database, taken) as job:
        stands_still(database, job)
        job.channel.abort("Somebody pressed Ctrl+C.")
        result = job.over()
    assert "The rollback was interrupted. Somebody pressed Ctrl+C." in result["msg"]
    assert "as the failed migration left it, and closed" in result["msg"]
    assert ours(database.server, database.name) == {way_in.dbname}
    assert run.state.unfinished
    recover.run(requests.recover(database.target, backup_root))
    require_rolled_back(database, before)
