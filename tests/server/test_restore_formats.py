# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""There and back on every server that was found: backup, proof, harm, rollback, by either format."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.backup_support import by_archive, by_script, differences
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, ours, proven
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

HARM = "DELETE FROM orders; DROP VIEW best_customers; ALTER TABLE customers ADD COLUMN grade integer;"


@pytest.mark.every_server
def test_a_proven_backup_rolls_a_harmed_database_back(database: Database, backup_root: Path) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    database.sql(HARM)
    assert database.fingerprint() != before
    done = restore.run(requests.restore(database.target, taken.directory))
    assert (done.state, done.method, done.failures) == ("rolled_back", "archive", ())
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == {done.kept}


@pytest.mark.every_server
def test_archive_and_script_give_the_same_database(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    for copy in (by_archive(database, taken), by_script(database, taken)):
        assert differences(taken.manifest, copy) == ()


@pytest.mark.every_server
@pytest.mark.fault(49)
def test_an_archive_that_is_damaged_is_replaced_by_the_script(database: Database, backup_root: Path) -> None:
    taken, before = back_up(database, backup_root), database.fingerprint()
    archive = taken.directory / "full_backup.dump"
    archive.write_bytes(archive.read_bytes()[:-100])
    database.sql(HARM)
    done = restore.run(requests.restore(database.target, taken.directory))
    assert (done.method, len(done.failures)) == ("script", 1)
    assert "SHA-256" in done.failures[0]
    assert database.fingerprint() == before
