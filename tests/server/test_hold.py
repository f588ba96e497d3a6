# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration that is held after its verification failed waits, closed, for a person to decide, and for nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import Decision, RecoverRequest
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    events,
    failed,
    fenced,
    ours,
    planned,
    proven,
    request,
    require_open,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

LOSING = {"1.sql": "DELETE FROM orders WHERE id <= 10;\n"}


def held(database: Database, backup_root: Path, source: Path, kind: str = fence.BOTH) -> backup.Backup:
    """A database that is held, since a migration of it has lost rows."""
    taken = fenced(database, backup_root, kind)
    failure = failed(request(database, taken, write_set(source, LOSING), on_verify_failure="hold"))
    assert failure.outcome.verdict == "held", str(failure)
    assert "has lost 10 of its 500 rows" in failure.what
    require_both_commands(str(failure), taken)
    assert events(taken.directory)[-1] == "held"
    return taken


def require_both_commands(said: str, taken: backup.Backup) -> None:
    assert f"pgsafe.migration.rollback -e pg_migrate_backup_dir={taken.directory}" in said
    assert f'pgsafe.migration.recover -e pg_migrate_run_id={taken.run_id} -e pg_migrate_decision=accept -e' in said


ACCEPT = Decision.ACCEPT


def asked(database: Database, backup_root: Path, **options: str) -> RecoverRequest:
    return requests.recover(database.target, backup_root, **options)


def require_as_before(database: Database, before: Fingerprint) -> None:
    assert database.fingerprint() == before
    require_open(database)


@pytest.mark.every_major
@pytest.mark.parametrize("kind", [fence.BOTH, fence.CONNECT])
def test_a_held_migration_is_opened_when_a_person_accepts_it(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    taken = held(database, backup_root, tmp_path / "set", kind)
    assert database.exists() == (kind == fence.CONNECT)
    accepting = asked(database, backup_root, run_id=taken.run_id, decision=ACCEPT, reason="the rows were tests")
    assert recover.plan(accepting).done == (f"The run {taken.run_id} would be finished",)
    (said,) = recover.run(accepting).done
    assert said == f"Finished: the run {taken.run_id}, whose verdict was migrated: the rows were tests"
    assert [event for event in events(taken.directory)[-4:] if "copy" not in event] == [
        "accepted",
        "opened",
        "migrated",
    ]
    assert database.sql("SELECT count(*) FROM orders") == "490"
    assert ours(database.server, database.name) == set()
    require_open(database)
    assert not planned(database, SetSource(tmp_path / "set")).pending
    with pytest.raises(Refused, match="is not held"):
        recover.run(accepting)


@pytest.mark.parametrize("kind", [fence.BOTH, fence.CONNECT])
def test_a_held_migration_is_rolled_back_when_a_person_says_so(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    before = database.fingerprint()
    taken = held(database, backup_root, tmp_path / "set", kind)
    done = restore.run(requests.restore(database.target, taken.directory))
    assert (done.state, done.method) == ("rolled_back", "verified_copy")
    require_as_before(database, before)
    assert ours(database.server, database.name) == {done.kept}
    assert recover.run(asked(database, backup_root)).done == ()


def test_nobody_but_that_person_decides(database: Database, backup_root: Path, tmp_path: Path) -> None:
    before = database.fingerprint()
    taken = held(database, backup_root, tmp_path / "set")
    later = asked(database, backup_root, run_id=taken.run_id)
    for undecided in (later, asked(database, backup_root)):
        for step in (recover.plan, recover.run):
            with pytest.raises(Refused, match="a person must decide") as caught:
                step(undecided)
            require_both_commands(str(caught.value), taken)
    with pytest.raises(Refused, match="that is half migrated"):
        fence.lift(database.target, backup_root, taken.run_id)
    with pytest.raises(BadRequest, match="names no run"):
        recover.run(asked(database, backup_root, decision=ACCEPT, reason="why not"))
    with pytest.raises(Refused, match="is not held"):
        recover.run(asked(database, backup_root, run_id="20200101_000000", decision=ACCEPT, reason="why not"))
    assert events(taken.directory)[-1] == "held"
    assert not database.exists()
    restore.run(requests.restore(database.target, taken.directory))
    require_as_before(database, before)


def test_whatever_else_fails_is_rolled_back_at_once(database: Database, backup_root: Path, tmp_path: Path) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root)
    files = write_set(tmp_path / "set", {**LOSING, "2.sql": "SELECT 1 / 0;\n"})
    failure = failed(request(database, taken, files, on_verify_failure="hold"))
    assert failure.outcome.verdict == "rolled_back"
    require_as_before(database, before)


@pytest.mark.parametrize("kind", ["", fence.NONE])
def test_nothing_is_held_where_others_are_not_kept_out(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    taken = fenced(database, backup_root, kind) if kind else proven(database, backup_root)
    with pytest.raises(Refused, match="Without a fence the run cannot hold"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", LOSING), on_verify_failure="hold"))
    assert "armed" not in events(taken.directory)
    require_open(database)
