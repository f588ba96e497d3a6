# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Killed behind any step of it, a run leaves what the next one turns into the old or the migrated database, open.

Each fourth step is tried here, and every one of them in tests/exhaustive.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.dying import steps
from ansible_collections.pgsafe.migration.tests.server.support import BROKEN, GOOD, Database, ours, planned, write_set
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

MIGRATED = "ALTER TABLE customers DROP COLUMN grade"


def require_whole(database: Database, before: object, died_behind: str) -> None:
    """Open for writing, old or migrated, with no fence, and nothing beside it but a kept one."""
    database.sql("CREATE TABLE writable (); DROP TABLE writable")
    if database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") != "0":
        assert database.sql("SELECT count(*) FROM customers WHERE grade = 2") == "30", died_behind
        database.sql(f"{MIGRATED}; DROP SCHEMA pgsafe CASCADE")
    assert database.fingerprint() == before, died_behind
    replication = "SELECT slot_name FROM pg_replication_slots UNION ALL SELECT subname FROM pg_subscription"
    assert database.admin(replication) == "", died_behind
    beside = ours(database.server, database.name)
    assert all("__failed_" in name for name in beside), f"{beside} after it died behind {died_behind}"


def die_and_recover(
    database: Database,
    clone: Callable[[str], Database],
    tmp_path: Path,
    files: dict[str, str],
    options: tuple[str, str],
    first: str,
    every: int,
) -> list[str]:
    """Once whole, to see its steps; then once for one in so many of them. The steps."""
    source, root = write_set(tmp_path / "set", files), tmp_path / "root"
    root.mkdir(mode=0o700)
    whole = steps(database, root, source, options, first)
    for last in range(1, len(whole) + 1, every):
        database = clone("small")
        before = database.fingerprint()
        said = steps(database, root, source, options, first, last)
        recover.run(requests.recover(database.target, root, idle_timeout=0))
        # History and data say the same.
        migrated = database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'grade'") != "0"
        assert planned(database, SetSource(source)).files == ([] if migrated else list(files)), said[-1]
        require_whole(database, before, said[-1])
        states = {run.run_id: run.state for run in journal.all_runs(root)}
        assert [run for run, state in states.items() if state.fenced or state.unfinished] == [], said[-1]
    return whole


def rollback_dies(database: Database, clone: Callable[[str], Database], tmp_path: Path, proof: str, every: int) -> None:
    died = die_and_recover(database, clone, tmp_path, BROKEN, (fence.BOTH, proof), "failed", every)
    assert any("RENAME TO" in step for step in died)
    assert ("program: pg_restore" in died) == (proof == "scratch")


def migration_dies(
    database: Database, clone: Callable[[str], Database], tmp_path: Path, first: str, every: int
) -> list[str]:
    died = die_and_recover(database, clone, tmp_path, GOOD, (fence.BOTH, "verified_copy"), first, every)
    assert {"journal: armed", "journal: accepted", "journal: migrated"} <= set(died)
    return died


@pytest.mark.parametrize("proof", ["verified_copy", "scratch"])
def test_a_rollback_that_dies_behind_a_step_is_finished(
    database: Database, clone: Callable[[str], Database], tmp_path: Path, proof: str
) -> None:
    rollback_dies(database, clone, tmp_path, proof, every=7)


def test_a_migration_that_dies_behind_a_step_is_finished_or_undone(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    migration_dies(database, clone, tmp_path, "confirmed", every=7)
