# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore would cost, foreseen by reading alone, against what it did cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.console import restore as console
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import forecast as restore_forecast
from ansible_collections.pgsafe.migration.plugins.module_utils.text import duration, size
from ansible_collections.pgsafe.migration.tests.server.backup_support import by_archive
from ansible_collections.pgsafe.migration.tests.server.restore_support import rollback, server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, proven

import pgserver

MEGABYTES = """
CREATE TABLE bulk AS SELECT i AS id, md5(i::text) AS noise, i % 100 AS kind FROM generate_series(1, 300000) AS i;
ALTER TABLE bulk ADD PRIMARY KEY (id);
CREATE INDEX ON bulk (kind);
"""
POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


@pytest.mark.every_major
def test_the_expected_time_is_that_of_the_proof_of_this_very_backup(database: Database, backup_root: Path) -> None:
    untried = back_up(database, backup_root)
    assert restore_forecast.foresee(database.target, rollback(database, untried), untried.directory).seconds is None
    taken = proven(database, backup_root)
    found = restore_forecast.foresee(database.target, rollback(database, taken), taken.directory)
    entry = (of_run(backup_root, taken.run_id) or pytest.fail("no journal")).last(Event.VERIFIED)
    assert entry is not None
    assert found.seconds == entry.facts["seconds"]["restore"]
    manifest = taken.directory / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"warnings": []', '"warnings": ["altered"]'))
    assert restore_forecast.foresee(database.target, rollback(database, taken), taken.directory).seconds is None


@pytest.mark.every_major
def test_the_console_says_disk_log_time_and_what_is_in_the_way(database: Database, backup_root: Path) -> None:
    taken = proven(database, backup_root)
    with database.holding("SELECT"):
        found = restore_forecast.foresee(database.target, rollback(database, taken), taken.directory)
    assert found.errors == ()
    text = "\n".join(console.restore_forecast(found))
    assert f"a copy of {size(taken.manifest.database_bytes)}" in text
    assert f"free on {found.facts.data_filesystem.path}: {size(found.facts.data_filesystem.free_bytes or 0)}" in text
    assert "wal_level logical" in text
    assert f"as long as the proof took: {duration(found.seconds or 0)}" in text
    assert "[info] 1 sessions of" in text
    assert "holder" in text


@pytest.fixture(params=["replica", "minimal"])
def own(request: pytest.FixtureRequest, server: pgserver.Server) -> Iterator[Database]:
    level = f"wal_level = {request.param}\nmax_wal_senders = 0\n"
    with server_of_its_own(server, level) as database:
        database.sql(MEGABYTES)
        yield database


@pytest.mark.every_major
def test_the_log_of_a_restore_is_what_was_foreseen_and_hardly_less(own: Database, backup_root: Path) -> None:
    taken = back_up(own, backup_root)
    found = restore_forecast.foresee(own.target, rollback(own, taken), taken.directory)
    before = int(own.admin(POSITION))
    by_archive(own, taken)
    written = int(own.admin(POSITION)) - before
    foreseen = found.facts.wal_bytes
    assert written <= foreseen
    assert foreseen < 2 * written
