# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups that cannot be: locks, killed programs, lost sessions, full disks. Nothing half is left, and it is told."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import LockNotAvailable, PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    back_up,
    backends,
    command_lines,
    tmpfs,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

REMOVED = "The incomplete backup directory was removed; the database was not changed."

# pg_dump reads this catalog and the backup's own sessions do not, so a lock on it stops pg_dump alone.
STOP_PG_DUMP = "LOCK TABLE pg_catalog.pg_shseclabel IN ACCESS EXCLUSIVE MODE"
STOPPED = """
SELECT count(*) FROM pg_stat_activity
 WHERE application_name ^@ 'pgsafe backup' AND wait_event_type = 'Lock' AND query ~ 'pg_seclabels'
"""


@contextmanager
def under_way(database: Database, backup_root: Path, target: Target | None = None) -> Iterator[Future[backup.Backup]]:
    """A backup whose pg_dump waits, until the block ends."""
    request = requests.backup(target or database.target, backup_root)
    with ThreadPoolExecutor(1) as pool, database.holding(STOP_PG_DUMP):
        taking = pool.submit(backup.run, request)
        until(lambda: taking.done() or database.admin(STOPPED) == "1", "pg_dump waits")
        assert not taking.done(), taking.exception()
        yield taking


def failure(taking: Future[backup.Backup]) -> str:
    error = taking.exception()
    assert isinstance(error, PgsafeError), error
    return str(error)


def nothing_left(database: Database, backup_root: Path) -> None:
    assert list(backup_root.glob("*/migration_*")) == []
    until(lambda: backends(database.server) == [], "no session of the backup is left")


def pg_dumps(backup_root: Path) -> list[int]:
    """The processes of pg_dump that write below the root."""
    return [pid for pid, words in command_lines().items() if "pg_dump" in words[0] and str(backup_root) in str(words)]


@pytest.mark.fault(9)
def test_a_lock_of_another_session_is_waited_for_and_its_holder_named(database: Database, backup_root: Path) -> None:
    with database.holding("LOCK TABLE orders_2025 IN ACCESS EXCLUSIVE MODE") as holder:
        with pytest.raises(LockNotAvailable) as caught:
            back_up(database, backup_root, lock_timeout=1)
        assert f"orders_2025: pid {holder.info.backend_pid} (postgres, holder, in its transaction" in str(caught.value)
    assert "SELECT pg_terminate_backend(pid)" in str(caught.value)
    nothing_left(database, backup_root)


@pytest.mark.fault(10)
def test_a_lock_of_a_prepared_transaction_is_told_by_its_name(database: Database, backup_root: Path) -> None:
    with database.holding("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE", "PREPARE TRANSACTION 'forgotten one'"):
        pass
    with pytest.raises(LockNotAvailable) as caught:
        back_up(database, backup_root, lock_timeout=1)
    assert "customers: pid - (postgres, prepared transaction forgotten one" in str(caught.value)
    nothing_left(database, backup_root)


@pytest.mark.fault(7)
def test_no_table_can_be_emptied_dropped_or_rewritten_while_a_backup_reads(
    database: Database, backup_root: Path
) -> None:
    with under_way(database, backup_root) as taking:
        for harm in ("TRUNCATE customers CASCADE", "DROP TABLE empty_one", "ALTER TABLE orders ALTER amount TYPE text"):
            with pytest.raises(pgserver.ServerError, match="lock timeout"):
                database.sql(f"SET lock_timeout = '100ms'; {harm}")
    assert taking.result().manifest.fingerprint.rows["public.customers"] == 60


@pytest.mark.fault(3)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_pg_dump_fails_the_backup_and_leaves_nothing(
    database: Database, backup_root: Path, how: signal.Signals
) -> None:
    with under_way(database, backup_root) as taking:
        (pid,) = pg_dumps(backup_root)
        os.kill(pid, how)
        said = failure(taking)
    assert "full_backup.dump could not be written" in said
    assert REMOVED in said
    nothing_left(database, backup_root)


def test_a_lost_session_of_pg_dump_fails_the_backup(database: Database, backup_root: Path) -> None:
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ^@ 'pgsafe backup'"
    with under_way(database, backup_root) as taking:
        database.admin(ending)
        said = failure(taking)
    assert REMOVED in said
    nothing_left(database, backup_root)


def test_a_second_backup_of_the_same_database_is_refused_meanwhile(database: Database, backup_root: Path) -> None:
    with (
        under_way(database, backup_root) as taking,
        pytest.raises(PgsafeError, match="backed up already: pid"),
    ):
        back_up(database, backup_root)
    assert taking.result().directory.is_dir()


@pytest.mark.fault(23)
def test_a_password_is_in_no_argument_and_in_no_file(database: Database, backup_root: Path) -> None:
    password = database.server.password
    with under_way(database, backup_root, database.over_tcp(password)) as taking:
        (pid,) = pg_dumps(backup_root)
        assert f"PGPASSWORD={password}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        assert [words for words in command_lines().values() if password in str(words)] == []
    written = [path for path in taking.result().directory.parent.parent.rglob("*") if path.is_file()]
    assert [path for path in written if password.encode() in path.read_bytes()] == []
    assert password not in repr(taking.result())


def test_globals_hold_no_password_of_a_role(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    text = (taken.directory / "globals.sql").read_text()
    assert "CREATE ROLE postgres" in text
    assert "SCRAM-SHA-256" not in text


def test_a_root_that_is_no_directory_of_ours_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(PgsafeError) as caught:
        back_up(database, tmp_path / "missing")
    assert f"install -d -m 0700 {tmp_path / 'missing'}" in str(caught.value)


# 2 MiB that nothing compresses, in the archive and the script but in no CSV; 4 MiB in one CSV that compress to nothing.
LARGE_OBJECT = "SELECT lo_from_bytea(0, string_agg(sha256(i::text::bytea), '')) FROM generate_series(1, 65536) AS i"
LONG_TEXT = "INSERT INTO customers (name) SELECT repeat('x', 4096) FROM generate_series(1, 1024)"


@pytest.mark.fault(1)
@pytest.mark.full_disk
@pytest.mark.parametrize(
    ("content", "size", "file"),
    [
        (LARGE_OBJECT, "1m", r"full_backup\.dump"),
        (LARGE_OBJECT, "3m", r"full_backup\.sql\.gz"),
        # several files are written at once, and any of them may be the first to find the disk full
        (LONG_TEXT, "2m", r"(\w+\.csv|full_backup\.(dump|sql\.gz))"),
    ],
    ids=["dump", "script", "csv"],
)
def test_a_full_disk_names_the_file_and_leaves_nothing(
    database: Database, tmp_path: Path, content: str, size: str, file: str
) -> None:
    database.sql(content)
    before = database.fingerprint()
    with tmpfs(tmp_path / "disk", size) as disk:
        with pytest.raises(PgsafeError) as caught:
            back_up(database, disk)
        said = str(caught.value)
        assert re.search(f"{file} could not be written", said), said
        assert "No space left on device" in said
        assert REMOVED in said
        assert "df -h" in said
        nothing_left(database, disk)
    assert database.fingerprint() == before


@pytest.mark.fault(2)
@pytest.mark.full_disk
def test_a_disk_that_fills_at_the_very_end_leaves_no_backup(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    """Each size that is too small by a few pages fails later than the one before, down to the manifest."""
    told = []
    pages = _pages(back_up(database, backup_root).directory.parent.parent)
    for size in range(pages + 6, pages - 6, -1):
        with tmpfs(tmp_path / f"disk{size}", f"{size * 4}k") as disk:
            told += _attempt(database, disk)
    assert any("manifest.json could not be written" in said for said in told), told
    assert all("No space left on device" in said and REMOVED in said for said in told)


def _attempt(database: Database, disk: Path) -> list[str]:
    try:
        taken = back_up(database, disk)
    except PgsafeError as error:
        nothing_left(database, disk)
        return [str(error)]
    assert (taken.directory / "manifest.json").stat().st_size > 0
    return []


def _pages(directory: Path) -> int:
    facts = [path.stat() for path in directory.rglob("*")]
    return sum(-(-fact.st_size // 4096) for fact in facts if stat.S_ISREG(fact.st_mode))
