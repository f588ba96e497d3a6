# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ends a backup from outside, what is left of it then, and that two backups keep out of each other's way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    BULK,
    Waiting,
    backups_in,
    by_archive,
    differences,
    in_progress,
    is_read,
    refused,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, backends, python, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

# Ends the session that holds the snapshot, when the readers have done their part.
_END_SNAPSHOT = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
 WHERE application_name ^@ 'pgsafe backup' AND state = 'idle in transaction' AND backend_xmin IS NOT NULL
   AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')
"""

_CLAIMS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_BACK_UP = """
import json, sys
from pathlib import Path
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
params, name, bin_dir, root = json.loads(sys.argv[1])
backup.run(requests.backup(Target(params, name, bin_dir=bin_dir), Path(root)))
"""


@pytest.mark.fault(5)
def test_a_restart_of_the_server_in_the_middle_fails_the_backup(
    server: pgserver.Server, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(BULK)
    with in_progress(request(database, backup_root), tmp_path / "tools", "midway") as taking:
        until(lambda: is_read(database, backup_root), "the readers are done")
        server.stop("immediate")
        server.start()
        failure = taking.failure()
    assert "full_backup.dump could not be written" in failure.what
    assert "connection" in failure.what
    assert "The incomplete backup directory was removed; the database was not changed." in str(failure)
    assert failure.undo_problems == ()
    assert backups_in(backup_root) == []


@pytest.mark.fault(6)
def test_a_snapshot_that_is_lost_before_the_dump_fails_the_backup(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    with in_progress(request(database, backup_root), tmp_path / "tools") as taking:
        until(lambda: len(backends(database.server, "pgsafe backup")) == 1, "the holder of the snapshot is there")
        assert database.sql(_END_SNAPSHOT) == "1"
        failure = taking.failure()
    assert "session that holds the snapshot" in failure.what
    assert backups_in(backup_root) == []


@pytest.mark.fault(6)
def test_a_snapshot_that_is_lost_in_the_middle_stays_with_those_who_have_it(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(BULK)
    with in_progress(request(database, backup_root), tmp_path / "tools", "midway") as taking:
        until(lambda: is_read(database, backup_root), "the readers are done")
        assert database.sql(_END_SNAPSHOT) == "1"
        database.sql("DELETE FROM bulk; DELETE FROM orders; VACUUM (TRUNCATE off) bulk, orders")
        taken = taking.finish()
    assert taken.manifest.fingerprint.rows["public.bulk"] == 40000
    assert differences(taken.manifest, by_archive(database, taken)) == ()


@pytest.mark.fault(13)
@pytest.mark.every_major
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_corrupt_page_is_told_with_its_table(
    server: pgserver.Server, database: Database, backup_root: Path, jobs: int
) -> None:
    place = server.data_dir / database.sql("SELECT pg_relation_filepath('customers')")
    server.stop()
    with place.open("r+b") as file:
        file.write(b"\xde\xad" * 32)
    server.start()
    failure = refused(request(database, backup_root, jobs=jobs))
    assert "customers" in failure.what
    assert "invalid page" in failure.what


@pytest.mark.fault(17)
def test_a_second_backup_of_a_database_is_refused_and_told_of_the_first(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    with in_progress(request(database, backup_root), tmp_path / "tools") as taking:
        with pytest.raises(Refused) as caught:
            back_up(database, backup_root)
        holder = database.sql("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
        taken = taking.finish()
    assert "is being backed up already" in caught.value.what
    assert f"pid {holder}" in caught.value.what
    assert f"pgsafe backup {taken.run_id}" in caught.value.what
    assert "Wait" in caught.value.remedy
    assert differences(taken.manifest, by_archive(database, taken)) == ()


def test_backups_of_two_databases_keep_out_of_each_others_way(
    database: Database, clone: Callable[[str], Database], backup_root: Path, tmp_path: Path
) -> None:
    with in_progress(request(database, backup_root), tmp_path / "tools") as taking:
        other = back_up(clone("small"), backup_root)
        first = taking.finish()
    assert other.directory.parent != first.directory.parent
    assert other.swept == first.swept == ()


def test_what_a_killed_backup_leaves_is_no_backup_and_goes_with_the_next_but_a_live_one_stays(
    database: Database, clone: Callable[[str], Database], backup_root: Path, tmp_path: Path
) -> None:
    killed = Waiting(tmp_path / "killed")
    killed.install(database.server.bin_dir, "before")
    given = json.dumps([dict(database.target.params), database.name, str(killed.directory), str(backup_root)])
    with in_progress(request(clone("small"), backup_root), tmp_path / "live") as live:
        with python(_BACK_UP, tmp_path, given) as process:
            until(lambda: killed.reached or process.poll() is not None, "the other pg_dump waits")
            process.kill()
            process.wait()
        (left,) = backup_root.glob(f"{database.name}/migration_*")
        with pytest.raises(NotABackup, match="no complete backup"):
            verify.run(requests.verify(database.target, left))
        until(lambda: database.sql(_CLAIMS) == "0", "its session ends")
        taken = back_up(database, backup_root)
        assert taken.swept == (str(left),)
        assert not left.exists()
        assert live.finish().directory.is_dir()
    killed.go()
    assert back_up(database, backup_root).swept == ()
