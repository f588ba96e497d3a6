# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The disk of pg_wal is full, or about to be, while a run goes on: it ends with the database open and nothing left."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.run import Backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.run_session import RunSession
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import parallel
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_with_small_log
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    Database,
    failed,
    fenced,
    ours,
    request,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_followed_copy import left, require_as_before, run_of
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

pytestmark = pytest.mark.full_disk

TABLE = "CREATE TABLE filled (a text); ALTER TABLE filled ALTER a SET STORAGE EXTERNAL"
ROW_BYTES = 8000
# About two megabytes of log.
FILL = f"INSERT INTO filled SELECT repeat('x', {ROW_BYTES}) FROM generate_series(1, 240)"
DROPPED = "The disk of pg_wal was filling up: the replication slot of the run was dropped."
SLOTS = "SELECT count(*) FROM pg_replication_slots"
# More log than the disk has room for, in one transaction.
FILLING = {"001_fill.sql": f"INSERT INTO filled SELECT repeat('x', {ROW_BYTES}) FROM generate_series(1, 60000);\n"}


@pytest.fixture
def cramped(server: pgserver.Server) -> Iterator[tuple[Database, Path]]:
    settings = "max_wal_size = 64MB\nmin_wal_size = 32MB\n"
    with server_with_small_log(server, settings, "256m") as (own, disk):
        own.sql(TABLE)
        yield own, disk


def without_checkpoints(database: Database) -> None:
    """None is begun because of the log that was written, so nothing of it is removed."""
    database.admin("ALTER SYSTEM SET max_wal_size = '1GB'")
    database.admin("SELECT pg_reload_conf()")


def free(disk: Path) -> int:
    return shutil.disk_usage(disk).free


def fill(database: Database, enough: Callable[[int], bool]) -> int:
    """A client writes until so many rows are enough, or the server stops; how many were acknowledged."""
    acknowledged = 0
    with suppress(psycopg2.Error), closing(database.connect("writer")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not enough(acknowledged):
            cursor.execute(FILL)
            acknowledged += cursor.rowcount
    return acknowledged


def require_stopped(database: Database) -> None:
    """A full disk has stopped the server, which would try to start again and again."""
    until(lambda: "No space left on device" in database.server.log_file.read_text(), "the server says why it stops")
    database.server.stop("immediate")


def give_room(database: Database, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=2g", disk], check=True)
    database.server.start()


def behind(database: Database, taken: Backup) -> Database:
    """The copy that follows."""
    return database.called(names.beside(database.name, "ready", taken.run_id))


@pytest.mark.every_major
@pytest.mark.fault(54)
def test_the_guard_drops_the_slot_and_gives_the_room_back_before_the_disk_is_full(
    cramped: tuple[Database, Path], backup_root: Path, tmp_path: Path
) -> None:
    database, disk = cramped
    without_checkpoints(database)
    taken = fenced(database, backup_root, FOLLOWED)
    run, before = run_of(taken), free(disk)
    with (
        behind(database, taken).holding("LOCK TABLE filled"),
        parallel.beside(RunSession(run, database.target).hold),
    ):
        written = fill(database, lambda _rows: database.admin(SLOTS) == "0")
        until(lambda: DROPPED in "\n".join(run.log()), "the guard has dropped the slot")
    # There would be no room for it beside what the slot has kept.
    written += fill(database, lambda rows: rows * ROW_BYTES > before * 3 // 4)
    assert "PANIC" not in database.server.log_file.read_text()
    with pytest.raises(Refused) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert "is gone; its guard drops it when the disk of pg_wal is filling up" in caught.value.what
    assert "room for its log" in caught.value.remedy
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)
    assert database.sql("SELECT count(*) FROM filled") == str(written)


@pytest.mark.every_major
@pytest.mark.fault(54)
def test_a_server_that_the_kept_log_has_stopped_is_clean_after_the_next_run(
    cramped: tuple[Database, Path], backup_root: Path
) -> None:
    database, disk = cramped
    taken = fenced(database, backup_root, FOLLOWED)
    with behind(database, taken).holding("LOCK TABLE filled"):
        written = fill(database, lambda _rows: False)
    require_stopped(database)
    with pytest.raises(PgsafeError):
        recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    give_room(database, disk)
    assert left(database) != []
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    require_as_before(database)
    assert int(database.sql("SELECT count(*) FROM filled")) >= written


@pytest.mark.fault(54)
@pytest.mark.parametrize("kind", [fence.BOTH, COPIED, FOLLOWED])
def test_a_migration_that_fills_the_disk_of_the_log_is_rolled_back_when_the_server_is_back(
    cramped: tuple[Database, Path], backup_root: Path, tmp_path: Path, kind: str
) -> None:
    database, disk = cramped
    before = database.fingerprint()
    without_checkpoints(database)
    taken = fenced(database, backup_root, kind, "auto" if kind == COPIED else "verified_copy")
    failure = failed(request(database, taken, write_set(tmp_path / "set", FILLING)))
    assert "No space left on device" in str(failure)
    require_stopped(database)
    give_room(database, disk)
    recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
    assert database.fingerprint() == before
    require_open(database)
    assert left(database) == []
    assert all("__failed_" in name for name in ours(database.server, database.name))
