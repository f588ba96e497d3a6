# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore that gives way before it harms its server, and that is seen to get on while it says nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.copies.watch import (
    DANGERS,
    Limits,
    RestoreWatch,
    watching,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import proof_choice
from ansible_collections.pgsafe.migration.tests.server.backup_support import source
from ansible_collections.pgsafe.migration.tests.server.restore_support import (
    server_of_its_own,
    server_with_small_log,
)
from ansible_collections.pgsafe.migration.tests.server.support import PATIENCE_SECONDS, Database, back_up, tmpfs, until

import pgserver

# Filled at once where nobody holds the lock; in a copy whose lock somebody holds, the restore waits there.
WAITING = """
CREATE FUNCTION waited() RETURNS integer LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_catalog.pg_advisory_lock_shared(42); RETURN 1; END $$;
CREATE MATERIALIZED VIEW at_the_end AS SELECT public.waited();
"""
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
WRITE_LOG = "CREATE TABLE t AS SELECT 1; SELECT pg_switch_wal(); DROP TABLE t; SELECT pg_switch_wal()"


@dataclass(frozen=True)
class Restoring:
    """A restore in another thread that waits for its last object."""

    future: Future[None]
    watch: RestoreWatch
    lock: psycopg2.extensions.connection


@pytest.fixture
def narrow(server: pgserver.Server) -> Iterator[Database]:
    """A database of a server that keeps a megabyte of its log for slots."""
    with server_of_its_own(server, "max_slot_wal_keep_size = 1MB\nwal_keep_size = 0\n") as own:
        own.sql(WAITING)
        yield own


@contextmanager
def restoring(database: Database, backup_root: Path, limits: Limits) -> Iterator[Restoring]:
    origin = source(database, back_up(database, backup_root))
    copy = database.called("copy")
    copies.create(database.target, copy.name, origin)
    with (
        copy.holding("SELECT pg_advisory_lock(42)") as lock,
        ThreadPoolExecutor(1) as pool,
        watching(database.target, copy.name, limits) as watch,
    ):
        future = pool.submit(copies.load_archive, database.target, copy.name, origin, watch.progress)
        try:
            until(lambda: copy.sql(WAITS) != "0" or future.done(), "the restore waits for its last object")
            yield Restoring(future, watch, lock)
        finally:
            lock.close()
            future.exception(PATIENCE_SECONDS)


@pytest.mark.every_major
def test_a_restore_is_given_up_when_a_slot_is_about_to_be_lost(narrow: Database, backup_root: Path) -> None:
    narrow.admin("SELECT pg_create_physical_replication_slot('standby', true)")
    with restoring(narrow, backup_root, Limits(give_up_on=frozenset({"slot"}))) as running:
        for _round in range(4):
            narrow.admin(WRITE_LOG)
        with pytest.raises(Refused) as caught:
            running.future.result(PATIENCE_SECONDS)
        # What a client that was ended leaves behind goes with the copy.
        copies.drop(narrow.target, "copy")
    assert "the slot standby has fallen behind max_slot_wal_keep_size" in caught.value.what
    assert not narrow.called("copy").exists()


@pytest.mark.every_major
def test_a_restore_that_is_only_to_tell_goes_on_to_its_end(narrow: Database, backup_root: Path) -> None:
    narrow.admin("SELECT pg_create_physical_replication_slot('standby', true)")
    with restoring(narrow, backup_root, Limits()) as running:
        for _round in range(4):
            narrow.admin(WRITE_LOG)
        until(lambda: running.watch.told, "the watch has seen it")
        running.lock.close()
        running.future.result(PATIENCE_SECONDS)
    assert running.watch.told == ("the slot standby has fallen behind max_slot_wal_keep_size",)
    assert narrow.called("copy").sql("SELECT count(*) FROM at_the_end") == "1"


@pytest.fixture
def cramped(server: pgserver.Server) -> Iterator[tuple[Database, Path]]:
    with server_with_small_log(server, "", "256m") as (own, disk):
        own.sql(WAITING)
        yield own, disk


@pytest.mark.full_disk
@pytest.mark.fault(54)
def test_a_restore_is_given_up_before_the_disk_of_the_log_is_full(
    cramped: tuple[Database, Path], backup_root: Path
) -> None:
    database, disk = cramped
    with restoring(database, backup_root, Limits()) as running:
        with (disk / "filler").open("wb") as filler:
            filler.write(bytes(shutil.disk_usage(disk).free * 3 // 4))
        with pytest.raises(Refused) as caught:
            running.future.result(PATIENCE_SECONDS)
        copies.drop(database.target, "copy")
    assert f"the filesystem of {database.server.data_dir / 'pg_wal'} has less than" in caught.value.what
    assert database.sql("SELECT count(*) FROM customers") == "60"


@pytest.mark.full_disk
@pytest.mark.fault(54)
def test_a_tablespace_without_room_is_seen_before_a_copy_is_made_there_and_while_it_is(
    server: pgserver.Server, tmp_path: Path, backup_root: Path
) -> None:
    with server_of_its_own(server, "") as own, tmpfs(own.server.data_dir.parent / "small", "64m") as disk:
        owner = own.server.data_dir.stat()
        os.chown(disk, owner.st_uid, owner.st_gid)
        own.admin(f"CREATE TABLESPACE small LOCATION '{disk}'")
        own.admin("ALTER DATABASE app SET TABLESPACE small")
        own.sql(WAITING)
        database_bytes = int(own.sql("SELECT pg_database_size('app')"))
        assert proof_choice.look(own.target, database_bytes, "small", kept=True).proof == proof_choice.VERIFIED_COPY
        with restoring(own, backup_root, Limits()) as running:
            with (disk / "filler").open("wb") as filler:
                filler.write(bytes(shutil.disk_usage(disk).free - (1 << 20)))
            with pytest.raises(Refused) as caught:
                running.future.result(PATIENCE_SECONDS)
            choice = proof_choice.look(own.target, database_bytes, "small", kept=True)
            (disk / "filler").unlink()
            copies.drop(own.target, "copy")
    assert f"the filesystem of {disk} has less than" in caught.value.what
    assert choice.proof == proof_choice.TEMPORARY_INSTANCE
    assert choice.reason.startswith(f"Proven in a temporary instance: {disk} has 1.0M free")


def test_a_slot_that_was_lost_before_is_no_reason_to_give_up(narrow: Database, backup_root: Path) -> None:
    narrow.admin("SELECT pg_create_physical_replication_slot('gone', true)")
    for _round in range(4):
        narrow.admin(WRITE_LOG)
    narrow.admin("CHECKPOINT")
    assert narrow.admin("SELECT wal_status FROM pg_replication_slots") == "lost"
    with restoring(narrow, backup_root, Limits(give_up_on=frozenset(DANGERS))) as running:
        running.lock.close()
        running.future.result(PATIENCE_SECONDS)
    assert running.watch.told == ()


def test_a_watch_that_is_ended_does_not_end_the_restore(narrow: Database, backup_root: Path) -> None:
    with restoring(narrow, backup_root, Limits()) as running:
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgsafe watch'"
        assert narrow.admin(ended) == "1"
        until(lambda: running.watch.lost, "the watch has noticed")
        seen = running.watch.progress()
        assert running.watch.progress() != seen
        running.lock.close()
        running.future.result(PATIENCE_SECONDS)
    assert running.watch.told[0].startswith("the server could not be watched to the end")


def test_a_copy_that_works_in_silence_is_seen_to_get_on_and_one_that_waits_is_not(
    narrow: Database, backup_root: Path
) -> None:
    with restoring(narrow, backup_root, Limits()) as running:
        copy = narrow.called("copy")
        with ThreadPoolExecutor(1) as pool, copy.connect("busy") as busy, busy.cursor() as cursor:
            began = running.watch.progress()
            work = pool.submit(cursor.execute, "DO $$ BEGIN LOOP END LOOP; END $$")
            until(lambda: running.watch.progress() > began + 1, "the work is seen")
            busy.cancel()
            assert isinstance(work.exception(PATIENCE_SECONDS), psycopg2.extensions.QueryCanceledError)
        busy.close()
        with pytest.raises(CommandFailed, match="made no progress"):
            commands.run(commands.Command(("sleep", "1000"), stall_limit=3), running.watch.progress)
