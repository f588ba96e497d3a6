# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that truncate or alter tables while a backup of the open database is taken: neither waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import LockNotAvailable, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import snapshot
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    BULK,
    by_archive,
    by_csv,
    csv_differences,
    differences,
    in_progress,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import PATIENCE_SECONDS, Database, until
from ansible_collections.pgsafe.migration.tests.server.test_backup_ddl import queued

# A client that has to wait for longer than the test allows.
PATIENT = "SET lock_timeout = '20s'"

WAITS_FOR_BACKUP = """
SELECT count(*) FROM pg_stat_activity c, unnest(pg_blocking_pids(c.pid)) AS b JOIN pg_stat_activity o ON o.pid = b
 WHERE c.application_name = 'changer' AND o.application_name ^@ 'pgsafe'
"""
DUMP_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^LOCK TABLE'"
# The backup has looked who has the table, and holds no snapshot; pg_dump has ended.
LOOKED = """
SELECT count(*) FILTER (WHERE state = 'idle' AND query ~ 'AccessExclusiveLock') * (2 - count(*))
  FROM pg_stat_activity WHERE application_name ^@ 'pgsafe backup'
"""


def whole(database: Database, taken: backup.Backup) -> bool:
    """All formats hold what the fingerprint is of."""
    copies = differences(taken.manifest, by_archive(database, taken))
    return copies == () == csv_differences(taken.manifest, by_csv(database, taken))


@pytest.mark.every_major
@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("TRUNCATE customers CASCADE", 0),
        ("ALTER TABLE empty_one ALTER a TYPE text", 60),
        ("DROP TABLE empty_one", 60),
    ],
)
def test_a_client_that_changes_a_table_before_pg_dump_locks_it_waits_for_nothing(
    database: Database, backup_root: Path, tmp_path: Path, statement: str, rows: int
) -> None:
    with in_progress(request(database, backup_root), tmp_path / "tools") as taking:
        database.sql(f"{PATIENT}; {statement}")
        assert not taking.future.done()
        taken = taking.finish()
    assert taken.manifest.fingerprint.rows["public.customers"] == rows
    assert any("Begun again" in warning and "DDL ran" in warning for warning in taken.manifest.warnings)
    assert whole(database, taken)


def test_pg_dump_that_waits_for_one_table_keeps_no_client_from_another(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    """Its request is given up and made again, until the table is free."""
    with in_progress(request(database, backup_root), tmp_path / "tools") as taking:
        with database.holding("TRUNCATE orders_2026") as holder:
            taking.waiting.go()
            until(lambda: database.sql(DUMP_WAITS) == "1" or taking.future.done(), "pg_dump waits")
            database.sql(f"{PATIENT}; TRUNCATE empty_one")
            until(lambda: database.sql(LOOKED) == "1" or taking.future.done(), "the request is withdrawn")
            assert not taking.future.done()
            holder.commit()
        taken = taking.finish()
    assert any("orders_2026: pid" in warning for warning in taken.manifest.warnings)
    assert whole(database, taken)


def test_a_table_that_a_client_waits_for_is_looked_at_and_not_queued_for(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    """A report reads it, a client wants to truncate it, and others queue behind that: not the backup."""
    with database.holding("SELECT FROM customers"), queued(database, "TRUNCATE customers CASCADE"):
        with pytest.raises(LockNotAvailable) as caught:
            backup.run(request(database, backup_root, lock_timeout=1))
        assert database.sql(WAITS_FOR_BACKUP) == "0"
    assert "customers: pid" in caught.value.what
    assert "waiting for the lock" in caught.value.what


def test_tables_that_are_truncated_again_and_again_are_named(
    database: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = snapshot.export

    def then_truncated(session: Session) -> snapshot.Snapshot:
        exported = export(session)
        database.sql("TRUNCATE empty_one")
        return exported

    monkeypatch.setattr(snapshot, "export", then_truncated)
    with pytest.raises(Refused) as caught:
        backup.run(request(database, backup_root, lock_timeout=1))
    assert "relation public.empty_one" in caught.value.what
    assert "public.orders" not in caught.value.what
    assert "fence" in caught.value.remedy


@pytest.mark.every_major
def test_readers_do_not_queue_behind_a_client_that_waits_for_the_backup(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its TRUNCATE waits for pg_dump; readers that waited for it would be a deadlock that no server sees."""
    database.sql(BULK)
    begun, truncating = threading.Event(), threading.Event()
    reader = snapshot.reader

    @contextmanager
    def late(*given: Any) -> Iterator[Session]:
        begun.set()
        assert truncating.wait(PATIENCE_SECONDS)
        with reader(*given) as session:
            yield session

    monkeypatch.setattr(snapshot, "reader", late)
    with in_progress(request(database, backup_root), tmp_path / "tools", "midway") as taking:
        # Of a client that comes before, the backup would begin again.
        until(lambda: begun.is_set() or taking.future.done(), "the locks are given up")
        with queued(database, "TRUNCATE customers CASCADE"):
            truncating.set()
            until(lambda: any(backup_root.glob("*/*/customers.csv")) or taking.future.done(), "the table is read")
            taken = taking.finish()
    assert taken.manifest.fingerprint.rows["public.customers"] == 60
    assert differences(taken.manifest, by_archive(database, taken)) == ()
