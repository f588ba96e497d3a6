# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dead runs leave is finished or undone by the next one; what living ones hold is left alone."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.support import (
    SLEEPING,
    Database,
    fenced,
    migrating,
    ours,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

GRADE = "ALTER TABLE customers ADD grade int;\n"
SLEEP = "DELETE FROM orders;\nSELECT pg_sleep(600);\n"


def recovered(database: Database, backup_root: Path, **options: object) -> tuple[str, ...]:
    return recover.run(requests.recover(database.target, backup_root, **options)).done


@contextmanager
def killed_in_the_middle(database: Database, taken: backup.Backup, source: Path) -> Iterator[None]:
    """A migration that reached its waiting statement, and was killed."""
    with migrating(database, taken, source) as process:
        until(lambda: database.admin(SLEEPING.format(database.name)) == "1", "the migration waits")
        process.send_signal(signal.SIGKILL)
        process.wait()
        yield


def test_where_nothing_was_left_nothing_is_done(database: Database, backup_root: Path) -> None:
    assert recovered(database, backup_root) == ()
    assert recovered(database, backup_root / "missing") == ()


@pytest.mark.every_major
@pytest.mark.parametrize("files", [{"1.sql": GRADE, "2.sql": SLEEP}, {"1.sql": SLEEP}], ids=["changed", "unchanged"])
def test_a_migration_that_was_killed_is_rolled_back_by_the_next_run(
    database: Database, backup_root: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root)
    with killed_in_the_middle(database, taken, write_set(tmp_path / "set", files)):
        assert not database.exists()
        (said,) = recovered(database, backup_root)
    assert "Rolled back: the run" in said
    assert database.fingerprint() == before
    require_open(database)
    kept = {f"{database.name}__failed_{taken.run_id}"} if len(files) == 2 else set()
    assert ours(database.server, database.name) == kept
    found = recover.run(requests.recover(database.target, backup_root))
    assert (found.done, set(found.kept)) == ((), kept)


@pytest.mark.fault(56)
def test_behind_no_fence_an_interrupted_migration_is_rolled_back_only_when_a_person_names_it(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root, fence.NONE)
    with killed_in_the_middle(database, taken, write_set(tmp_path / "set", {"1.sql": GRADE, "2.sql": SLEEP})):
        database.sql("INSERT INTO customers (name) VALUES ('written since')")
        with pytest.raises(Refused, match="behind no fence, and others may have written since") as caught:
            recovered(database, backup_root)
    assert f"pg_migrate_run_id={taken.run_id}" in caught.value.remedy
    assert database.sql("SELECT count(*) FROM customers WHERE name = 'written since'") == "1"
    (said,) = recovered(database, backup_root, run_id=taken.run_id)
    kept = f"{database.name}__failed_{taken.run_id}"
    assert said.endswith(f"the failed database is kept as {kept}")
    assert database.fingerprint() == before
    database.admin(f"ALTER DATABASE {kept} ALLOW_CONNECTIONS true")
    assert database.called(kept).sql("SELECT count(*) FROM customers WHERE name = 'written since'") == "1"


def test_a_run_that_rests_between_two_steps_is_left_alone_until_it_is_named(
    database: Database, backup_root: Path
) -> None:
    taken = fenced(database, backup_root)
    with pytest.raises(Refused, match="has been waiting for its next step since") as caught:
        recovered(database, backup_root)
    assert f"pgsafe.migration.recover -e pg_migrate_run_id={taken.run_id}" in str(caught.value)
    (said,) = recovered(database, backup_root, run_id=taken.run_id)
    assert "had not begun to migrate" in said
    assert ours(database.server, database.name) == set()
    require_open(database)


def test_a_run_that_rested_for_too_long_is_undone(database: Database, backup_root: Path) -> None:
    fenced(database, backup_root)
    assert len(recovered(database, backup_root, idle_timeout=0)) == 1
    require_open(database)


def test_a_run_whose_watchdog_went_with_its_host_is_undone_by_the_next_run(
    database: Database, backup_root: Path
) -> None:
    """As after a reboot between two tasks: no process is left, and no person is asked anything."""
    fence.run(requests.fence(database.target, backup_root, idle_timeout=14400.0))
    (run,) = journal.all_runs(backup_root)
    with pytest.raises(Refused, match="has been waiting for its next step since"):
        recovered(database, backup_root)
    path = run.directory / journal.JOURNAL
    path.write_text(re.sub(r'"time": "20\d\d', '"time": "2020', path.read_text()))
    assert len(recovered(database, backup_root)) == 1
    require_open(database)


def test_a_run_at_work_is_left_alone(database: Database, backup_root: Path) -> None:
    taken = fenced(database, backup_root)
    run = journal.of_run(backup_root, taken.run_id)
    assert run is not None
    with run.held(), pytest.raises(Refused, match="is at work"):
        recovered(database, backup_root, run_id=taken.run_id)


def test_a_run_of_another_server_with_the_same_backup_root_is_left_alone(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root)
    path = backup_root / ".runs" / taken.run_id / journal.JOURNAL
    system_identifier = taken.manifest.identity.system_identifier
    path.write_text(path.read_text().replace(system_identifier, "1"))
    assert recovered(database, backup_root, run_id=taken.run_id) == ()
