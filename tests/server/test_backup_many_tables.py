# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""More tables than the server has room for locks on: the backup takes no more of them than pg_dump has to."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import snapshot
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.backup_support import backups_in, in_progress, request
from ansible_collections.pgsafe.migration.tests.server.support import PATIENCE_SECONDS, Database, backends, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

TABLES = 12_000
CROWD = f"""
DO $$
BEGIN
    FOR number IN 1..{TABLES} LOOP
        EXECUTE format('CREATE TABLE crowd_%s (a int PRIMARY KEY)', number);
        IF number % 500 = 0 THEN
            EXECUTE format('INSERT INTO crowd_%s VALUES (%s)', number, number);
            COMMIT;
        END IF;
    END LOOP;
END $$
"""

# What an ordinary session may lock in one transaction, whatever pg_dump has: some hundreds of tables.
BUSY = "".join(f"INSERT INTO crowd_{number} VALUES (0);" for number in range(1, 401))
BUSY_NO_MORE = "".join(f"DELETE FROM crowd_{number} WHERE a = 0;" for number in range(1, 401))


@pytest.fixture
def crowded(server: pgserver.Server) -> Iterator[Database]:
    """A database with very many tables, on a server with the settings that one has out of the box."""
    home = Path(tempfile.mkdtemp(prefix="pgs"))
    own = pgserver.Server(server.installation, home, fsync=False)
    own.create()
    with (own.data_dir / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = 100\nshared_buffers = 128MB\nautovacuum = off\n")
    own.start()
    try:
        own.psql("CREATE DATABASE crowded")
        own.psql(CROWD, "crowded")
        yield Database(own, "crowded")
    finally:
        own.destroy()
        shutil.rmtree(home, ignore_errors=True)


class Late:
    """Readers of a backup that begin when the test lets them."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.came, self.go = False, threading.Event()
        self._reader = snapshot.reader
        patched.setattr(snapshot, "reader", self.reader)

    @contextmanager
    def reader(self, *given: Any) -> Iterator[Session]:
        self.came = True
        assert self.go.wait(PATIENCE_SECONDS)
        with self._reader(*given) as session:
            yield session


@pytest.mark.long
@pytest.mark.fault(22)
def test_twelve_thousand_tables_are_backed_up_and_looked_at_while_others_work_on(
    crowded: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(crowded, backup_root, csv=("crowd_500", "crowd_12000"))
    with monkeypatch.context() as patched, in_progress(wanted, tmp_path / "emptied") as taking:
        late = Late(patched)
        taking.waiting.go()
        until(lambda: late.came and len(backends(crowded.server, "pgsafe backup")) == 1, "pg_dump is done")
        crowded.sql("SET lock_timeout = '20s'; TRUNCATE crowd_500; INSERT INTO crowd_500 VALUES (500)")
        late.go.set()
        failure = taking.failure()
    assert isinstance(failure, Refused)
    assert "relation public.crowd_500" in failure.what
    assert backups_in(backup_root) == []
    with in_progress(wanted, tmp_path / "tools", "midway") as taking:
        crowded.sql(f"BEGIN; {BUSY} COMMIT")
        taken = taking.finish()
    assert len(taken.manifest.fingerprint.tables) == TABLES
    assert sum(taken.manifest.fingerprint.rows.values()) == TABLES // 500
    assert [file.rows for file in taken.manifest.csv_files] == [1, 1]
    assert taken.manifest.warnings == ()
    crowded.sql(BUSY_NO_MORE)
    looked = restore.run(requests.restore(crowded.target, taken.directory))
    assert looked.state == "not_needed"
