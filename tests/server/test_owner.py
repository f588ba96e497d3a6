# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An owner that is no superuser gets the whole way, with the rights that preflight asks for and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.support import Database, write_set
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

OWNED = """
CREATE TABLE notes (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
INSERT INTO notes (body) SELECT 'note ' || n FROM generate_series(1, 100) AS n;
"""
HARMFUL = {"1.sql": "-- pgsafe: no-transaction\nDELETE FROM notes WHERE id < 10;", "2.sql": "SELECT 1 / 0;"}


@pytest.fixture
def owned(server: pgserver.Server, database: Database) -> Iterator[Target]:
    """The target of a role that owns a database of its own, may make others and end sessions, and nothing else."""
    server.psql("CREATE ROLE plain_owner LOGIN CREATEDB IN ROLE pg_signal_backend")
    server.psql(f"CREATE DATABASE {database.name}_owned TEMPLATE template0 OWNER plain_owner")
    server.psql(f"SET ROLE plain_owner; {OWNED}", f"{database.name}_owned")
    target = database.target
    yield replace(target, dbname=f"{database.name}_owned", params={**target.params, "user": "plain_owner"})
    for name in server.psql("SELECT datname FROM pg_database WHERE datdba = 'plain_owner'::regrole").splitlines():
        server.psql(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.psql("DROP ROLE plain_owner")


@pytest.mark.every_major
def test_preflight_finds_nothing_missing_and_says_what_it_cannot_see(owned: Target, backup_root: Path) -> None:
    found = preflight.run(requests.preflight(owned, backup_root))
    told = [(problem.check, problem.severity) for problem in found.problems]
    assert told == [("scratch_access", "info"), ("data_disk", "warning"), ("wal_disk", "warning")]
    assert [unseen.check for unseen in found.facts.not_seen] == ["data_disk", "wal_disk", "scratch_access"]


@pytest.mark.every_major
def test_a_failed_migration_of_an_owner_is_rolled_back(owned: Target, backup_root: Path, tmp_path: Path) -> None:
    taken = backup.run(requests.backup(owned, backup_root))
    assert verify.run(requests.verify(owned, taken.directory)).reached == "restore"
    source = SetSource(source=write_set(tmp_path / "set", HARMFUL))
    with pytest.raises(migrate.MigrationFailed) as failed:
        migrate.run(requests.migrate(owned, source, taken.directory, taken.run_id, owned.dbname))
    assert failed.value.outcome.verdict == "rolled_back"
    again = backup.run(requests.backup(owned, backup_root))
    assert again.manifest.fingerprint == taken.manifest.fingerprint


@pytest.mark.every_major
def test_what_an_owner_may_not_carry_over_costs_no_rollback_and_is_told(
    owned: Target, server: pgserver.Server, backup_root: Path, tmp_path: Path
) -> None:
    name = owned.dbname
    superusers = f'ALTER DATABASE "{name}" SET "log_min_messages" = \'error\''
    of_another = f'ALTER ROLE "{pgserver.SUPERUSER}" IN DATABASE "{name}" SET "work_mem" = \'9MB\''
    server.psql(f"{superusers}; {of_another}; COMMENT ON DATABASE {name} IS 'owned'")
    taken = backup.run(requests.backup(owned, backup_root))
    verify.run(requests.verify(owned, taken.directory, proof="verified_copy"))
    source = SetSource(source=write_set(tmp_path / "set", HARMFUL))
    with pytest.raises(migrate.MigrationFailed) as failed:
        migrate.run(requests.migrate(owned, source, taken.directory, taken.run_id, name))
    assert failed.value.outcome.verdict == "rolled_back", str(failed.value)
    told = failed.value.outcome.warnings
    assert [line.split("as a superuser: ")[1].split(" (")[0] for line in told] == [superusers, of_another]
    described = f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{name}'"
    assert server.psql(described) == "owned"
