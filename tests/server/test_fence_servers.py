# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fence on a server that crashes, and on one whose place another one takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, PgsafeError, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.standbys import standby_of
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    Database,
    fenced,
    ours,
    proven,
    request,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_followed_copy import left
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver


@pytest.fixture
def own(server: pgserver.Server) -> Iterator[Database]:
    with server_of_its_own(server, "") as database:
        yield database


def crash(database: Database) -> None:
    database.server.stop("immediate")
    database.server.start()


@pytest.mark.every_major
def test_a_crash_does_not_hide_a_write_behind_the_fence(own: Database, backup_root: Path, tmp_path: Path) -> None:
    # A crash sets every counter to 0, so that counters that were 0 before have nothing else to go by.
    own.sql('DROP SCHEMA "Odd Schema" CASCADE; ALTER TABLE customers ALTER id DROP IDENTITY')
    crash(own)
    taken = fenced(own, backup_root)
    own.sql("BEGIN READ WRITE; UPDATE customers SET note = 'bypassed' WHERE id = 3; COMMIT")
    crash(own)
    with pytest.raises(Refused, match="restarted after a crash, and the database differs from the backup") as caught:
        migrate.run(request(own, taken, write_set(tmp_path / "set", GOOD)))
    assert "table public.customers has other content" in caught.value.what
    assert own.sql("SELECT note FROM customers WHERE id = 3") == "bypassed"
    own.sql("CREATE TABLE writable ()")


def test_a_copy_goes_on_following_after_a_crash(own: Database, backup_root: Path, tmp_path: Path) -> None:
    taken = fenced(own, backup_root, FOLLOWED)
    own.sql("INSERT INTO customers (name) VALUES ('before the crash')")
    crash(own)
    own.sql("INSERT INTO customers (name) VALUES ('after it')")
    assert migrate.run(request(own, taken, write_set(tmp_path / "set", GOOD))).verdict == "migrated"
    assert own.sql("SELECT count(*) FROM customers") == "62"
    assert own.admin("SELECT count(*) FROM pg_replication_slots") == "0"


SLOW = {"1.sql": "ALTER TABLE customers ADD grade integer;\nSELECT pg_sleep(600);\n"}
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def crash_in_the_migration(database: Database) -> None:
    until(lambda: database.admin(ASLEEP) == "1", "the migration is at work")
    crash(database)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        (fence.BOTH, Event.APPLYING),
        (COPIED, Event.COPYING),
        (COPIED, Event.APPLYING),
        (FOLLOWED, Event.READING_ONLY),
        (FOLLOWED, Event.APPLYING),
    ],
    ids=str,
)
def test_after_a_crash_on_each_way_the_database_is_open_and_as_it_was(
    own: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, event: Event
) -> None:
    taken = fenced(own, backup_root, kind, "auto" if kind == COPIED else "verified_copy")
    if kind != fence.BOTH:
        own.sql("INSERT INTO customers (name) VALUES ('while the backup was taken')")
    before = own.sql("SELECT count(*), max(id) FROM customers")
    beside = threading.Thread(target=crash_in_the_migration, args=(own,))

    def append(self: Journal, now: Event, original: Any = Journal.append, **facts: Any) -> None:
        original(self, now, **facts)
        if now is event:
            monkeypatch.undo()
            # A step that begins behind a crash finds the server up again; so the migration is met at work, too.
            if event is not Event.APPLYING:
                crash(own)
            if event is not Event.READING_ONLY:
                beside.start()

    monkeypatch.setattr(Journal, "append", append)
    with suppress(PgsafeError):
        migrate.run(request(own, taken, write_set(tmp_path / "set", SLOW)))
    if beside.ident:
        beside.join()
    recover.run(requests.recover(own.target, backup_root, idle_timeout=0))
    assert own.sql("SELECT count(*), max(id) FROM customers") == before
    assert own.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") == "0"
    require_open(own)
    assert left(own) == []
    assert all("__failed_" in name for name in ours(own.server, own.name))


def test_after_a_failover_nothing_is_done_until_a_person_names_the_run(
    own: Database, backup_root: Path, tmp_path: Path
) -> None:
    with standby_of(own.server) as follower:
        taken, database = fenced(own, backup_root), Database(follower, own.name)
        reached = own.admin("SELECT pg_current_wal_lsn()")
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{reached}'"
        until(lambda: database.admin(replayed) == "t", "the standby has the fence too")
        own.server.stop("immediate")
        database.admin("SELECT pg_promote()")
        database.admin("CHECKPOINT")
        with pytest.raises(Refused, match="This is not the server"):
            migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
        with pytest.raises(Refused, match="timeline 2") as caught:
            recover.run(requests.recover(database.target, backup_root, idle_timeout=0))
        assert f"pgsafe.migration.recover -e pg_migrate_run_id={taken.run_id}" in caught.value.remedy
        with pytest.raises(Refused, match="timeline 2"):
            fence.lift(database.target, backup_root, taken.run_id)
        with pytest.raises(Refused, match="timeline 2"):
            # The watchdog of the run names it, and does not say so.
            recover.run(requests.recover(database.target, backup_root, run_id=taken.run_id))
        assert database.sql("SHOW default_transaction_read_only") == "on"
        recover.run(requests.recover(database.target, backup_root, run_id=taken.run_id, after_failover=True))
        database.sql("CREATE TABLE writable ()")
        assert ours(follower, own.name) == set()
        own.server.start()


def test_the_maintenance_database_is_migrated_from_another_one(
    own: Database, backup_root: Path, tmp_path: Path
) -> None:
    database = own.called("postgres")
    for refused in (
        lambda: fence.run(requests.fence(database.target, backup_root)),
        lambda: migrate.run(request(database, proven(database, backup_root), write_set(tmp_path / "set", GOOD))),
    ):
        with pytest.raises(BadRequest, match="The database postgres is the maintenance database too") as caught:
            refused()
        assert "pg_migrate_connection.maintenance_db" in caught.value.remedy
    target = replace(database.target, maintenance_db="template1")
    raised = fence.run(requests.fence(target, backup_root))
    taken = backup.run(requests.backup(target, backup_root, run_id=raised.run_id))
    verify.run(requests.verify(target, taken.directory, proof="verified_copy"))
    broken = SetSource(write_set(tmp_path / "broken", {"1.sql": "CREATE TABLE t ();\n", "2.sql": "SELECT 1 / 0;\n"}))
    with pytest.raises(migrate.MigrationFailed) as failed:
        migrate.run(requests.migrate(target, broken, taken.directory, taken.run_id, "postgres"))
    assert failed.value.outcome.verdict == "rolled_back"
    assert database.sql("SELECT count(*) FROM pg_class WHERE relname = 't'") == "0"
