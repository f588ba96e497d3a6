# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients write until the database is closed; its files are copied then, and a rollback loses none of their writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.run import Backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import standing
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    events,
    failed,
    fenced,
    ours,
    request,
    rolled_back,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_recover_anywhere import die_and_recover
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

# What clients do between the backup and the closing: each would be blamed on the migration, or lost by a rollback.
WRITTEN = """
INSERT INTO customers (name) SELECT 'since' FROM generate_series(1, 12);
DELETE FROM orders WHERE id % 2 = 0;
CREATE TABLE of_a_client (id integer);
SELECT lo_from_bytea(0, 'of a client');
SELECT setval('customers_id_seq', 9000)
"""


def written(database: Database, backup_root: Path) -> Backup:
    """A proven backup, and a database that clients have changed since."""
    taken = fenced(database, backup_root, COPIED, "auto")
    assert ours(database.server, database.name) == set()
    database.sql(WRITTEN)
    database.admin(f"ALTER DATABASE {database.name} SET statement_timeout = '77s'")
    return taken


def settings(database: Database) -> str:
    query = "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = '{}'"
    return database.admin(query.format(database.name))


def run_of(taken: Backup) -> journal.Journal:
    found = journal.of_run(taken.directory.parent.parent, taken.run_id)
    assert found is not None
    return found


@pytest.mark.every_major
def test_a_rollback_keeps_what_clients_wrote_up_to_the_closing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = written(database, backup_root)
    assert standing.access(run_of(taken)) == standing.OPEN
    failure = rolled_back(request(database, taken, write_set(tmp_path / "set", BROKEN)), database)
    done = failure.outcome.rollback
    assert done is not None
    assert (done.method, done.failures, done.not_given_back) == ("file_copy", (), ())
    assert done.rows["public.customers"] == int(database.sql("SELECT count(*) FROM customers")) == 72
    assert failure.outcome.writes_since_backup == 0
    assert failure.outcome.seconds_read_only is None
    assert "between the backup and the migration" not in failure.state
    assert settings(database) == "{statement_timeout=77s}"
    assert database.sql("SELECT nextval('customers_id_seq')") == "9001"
    with pytest.raises(Refused, match="rolled back before, to the copy of its files"):
        restore.run(requests.restore(database.target, taken.directory))


@pytest.mark.every_major
def test_a_migration_is_judged_by_what_the_database_was_when_it_was_closed(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = written(database, backup_root)
    outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert outcome.verdict == "migrated", outcome.warnings
    assert outcome.verification is not None
    tables = {change.table: (change.before, change.after) for change in outcome.verification.found.tables}
    assert tables["public.customers"] == (72, 72)
    assert tables["public.orders"][0] == tables["public.orders"][1]
    assert not any("of_a_client" in str(change) for change in outcome.verification.found.objects)
    assert ours(database.server, database.name) == set()
    require_open_with_its_setting(database)


def require_open_with_its_setting(database: Database) -> None:
    assert settings(database) == "{statement_timeout=77s}"
    database.sql("CREATE TABLE writable (); DROP TABLE writable")


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [("SELECT 1;\n", "rolled_back"), ("UPDATE customers SET name = name;\n", "migrated")],
    ids=["nothing", "content"],
)
def test_whether_a_migration_did_anything_is_told_by_what_it_wrote(
    database: Database, backup_root: Path, tmp_path: Path, statement: str, verdict: str
) -> None:
    taken = written(database, backup_root)
    wanted = request(database, taken, write_set(tmp_path / "set", {"001_x.sql": statement}))
    if verdict == "migrated":
        assert migrate.run(wanted).verdict == "migrated"
    else:
        assert "has changed nothing at all" in failed(wanted).what


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("SELECT 1;\n", "failed_unchanged"),
        ("UPDATE customers SET name = name WHERE id = 1;\n", "rolled_back"),
        ("GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;\n", "rolled_back"),
        ("REFRESH MATERIALIZED VIEW counted;\n", "rolled_back"),
    ],
    ids=["nothing", "rows", "a large object's privileges", "a materialized view"],
)
def test_a_failed_migration_that_committed_nothing_opens_the_same_database(
    database: Database, backup_root: Path, tmp_path: Path, statement: str, verdict: str
) -> None:
    database.sql("SELECT lo_create(4711); CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM customers")
    taken = written(database, backup_root)
    before = database.fingerprint()
    source = write_set(tmp_path / "set", {"001_x.sql": statement, "002_x.sql": "SELECT 1 / 0;\n"})
    assert failed(request(database, taken, source)).outcome.verdict == verdict
    assert database.fingerprint() == before
    assert len(ours(database.server, database.name)) == (verdict == "rolled_back")


def test_a_declared_idle_migration_is_a_good_one(database: Database, backup_root: Path, tmp_path: Path) -> None:
    taken, source = written(database, backup_root), write_set(tmp_path / "set", {"001_x.sql": "SELECT 1;\n"})
    assert migrate.run(request(database, taken, source, wanted=Wanted(may_do_nothing=True))).verdict == "migrated"


def test_without_its_copy_the_archive_is_restored_and_what_that_loses_is_said(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    taken = written(database, backup_root)
    copy = names.beside(database.name, "ready", taken.run_id)
    # As an administrator might, who takes it for a forgotten database.
    drop = f"DROP DATABASE {copy} WITH (FORCE)"
    argv = (str(database.server.bin_dir / "psql"), "-X", "-c", "DROP TABLE orders", "-c", drop, "-c", "SELECT 1 / 0")
    failure = failed(replace(request(database, taken, tmp_path), source=SetSource(command=argv)))
    done = failure.outcome.rollback
    assert done is not None, str(failure)
    assert (failure.outcome.verdict, done.method) == ("rolled_back", "archive")
    lost = f"What clients wrote between the backup and the closing of the database is in {done.kept} only."
    assert lost in failure.outcome.warnings
    assert database.fingerprint() == before


def test_a_copy_that_takes_too_long_opens_the_database_again(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = written(database, backup_root)
    before = database.fingerprint()
    with pytest.raises(Refused, match=r"took longer than 0\.001 s"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD), copy_timeout=0.001))
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == set()
    assert "armed" not in events(taken.directory)
    require_open_with_its_setting(database)


@pytest.mark.parametrize("fence_asked", ["auto", COPIED])
def test_where_files_cannot_be_copied_another_fence_is_chosen_or_the_run_refused(
    database: Database, backup_root: Path, fence_asked: str
) -> None:
    database.admin("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN")
    plain = replace(database.target, params={**database.target.params, "user": "plain"})
    found = look(database, backup_root, plain, fence=fence_asked)
    assert found.facts.closed_copy.why_not == "plain is neither a superuser nor the owner with CREATEDB"
    refused = [problem.severity for problem in of(found, "closed_copy")]
    assert (found.facts.fence, refused) == (
        ("read_only+closed", []) if fence_asked == "auto" else (COPIED, ["error"])
    )


def test_a_copy_of_files_can_be_retained_for_a_rollback_by_hand(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = written(database, backup_root)
    before = database.fingerprint()
    outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD), keep_copy_seconds=86400.0))
    assert outcome.copy is not None
    done = restore.run(requests.restore(database.target, taken.directory))
    assert done.method == "file_copy"
    assert database.fingerprint() == before
    assert done.rows["public.customers"] == 72


def copying_dies(database: Database, clone: Callable[[str], Database], tmp_path: Path, every: int) -> None:
    died = die_and_recover(database, clone, tmp_path, GOOD, (COPIED, "scratch"), "closing", every)
    assert {"journal: copying", "journal: verified_copy", "journal: armed"} <= set(died)


def rollback_dies(database: Database, clone: Callable[[str], Database], tmp_path: Path, every: int) -> None:
    died = die_and_recover(database, clone, tmp_path, BROKEN, (COPIED, "scratch"), "failed", every)
    assert "program: pg_restore" not in died


def test_a_run_that_dies_behind_a_step_around_its_copy_is_finished_or_undone(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    copying_dies(database, clone, tmp_path, every=10)


def test_a_rollback_to_a_copy_of_files_that_dies_behind_a_step_is_finished(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    rollback_dies(database, clone, tmp_path, every=10)
