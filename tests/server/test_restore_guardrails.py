# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands in the way of a restore: each problem planted on a server, and told before anything is changed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks import run
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, as_role, new_roles, source
from ansible_collections.pgsafe.migration.tests.server.restore_support import (
    of,
    only,
    problems,
    rollback,
    with_extensions,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

pytestmark = pytest.mark.every_major


@pytest.fixture
def role(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


def test_a_healthy_database_has_nothing_in_the_way(database: Database, backup_root: Path) -> None:
    found = problems(database, rollback(database, back_up(database, backup_root)))
    assert found == ()
    run.require_none(found)


def test_all_problems_are_told_at_once_each_with_its_remedy(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    intent = rollback(database, taken, creates=("x" * 64, "postgres"), stated_free_bytes=1)
    database.sql("BEGIN; INSERT INTO empty_one VALUES (1); PREPARE TRANSACTION 'left open'")
    found = problems(database, intent)
    assert [problem.check for problem in found] == ["database_names", "database_names", "prepared_transactions"]
    with pytest.raises(Refused) as caught:
        run.require_none(found)
    assert caught.value.what.startswith("3 problems prevent the restore.")
    assert all(problem.what in caught.value.what and problem.remedy in caught.value.remedy for problem in found)


def test_an_error_that_was_waived_is_a_warning(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    waived = rollback(database, taken, creates=("x" * 64,), waived={"database_names": "a test of names"})
    found = problems(database, waived)
    assert [(problem.severity, problem.waived) for problem in found] == [("warning", "a test of names")]
    run.require_none(found)


@contextmanager
def subscribed(database: Database) -> Iterator[None]:
    """An enabled subscription, for the time of the block; nobody answers at its address."""
    database.sql(
        "CREATE SUBSCRIPTION far CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = 'far');"
        "ALTER SUBSCRIPTION far ENABLE"
    )
    try:
        yield
    finally:
        if database.sql("SELECT count(*) FROM pg_stat_subscription WHERE subname = 'far'") == "1":
            database.sql("ALTER SUBSCRIPTION far DISABLE; ALTER SUBSCRIPTION far SET (slot_name = NONE)")
            database.sql("DROP SUBSCRIPTION far")


@pytest.mark.fault(52)
def test_a_prepared_transaction_is_in_the_way_of_a_rename(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    other = database.called("postgres")
    other.sql("BEGIN; CREATE TABLE never_made (); PREPARE TRANSACTION 'of another database'")
    assert problems(database, rollback(database, taken)) == ()
    database.sql("BEGIN; INSERT INTO empty_one VALUES (1); PREPARE TRANSACTION 'it''s open'")
    problem = only(problems(database, rollback(database, taken)), "prepared_transactions")
    assert problem.severity == "error"
    database.sql(problem.remedy.partition(": ")[2].partition(" (or")[0])
    assert problems(database, rollback(database, taken)) == ()


@pytest.mark.fault(52)
def test_a_restore_to_a_new_database_minds_nothing_that_is_open_in_the_live_one(
    database: Database, backup_root: Path
) -> None:
    taken = back_up(database, backup_root)
    database.sql("BEGIN; INSERT INTO empty_one VALUES (1); PREPARE TRANSACTION 'open'")
    with subscribed(database), database.holding("SELECT"):
        assert problems(database, rollback(database, taken, replaces=None, creates=("beside_it",))) == ()


@pytest.mark.fault(52)
def test_an_enabled_subscription_is_an_error_and_a_disabled_one_a_warning(
    database: Database, backup_root: Path
) -> None:
    taken = back_up(database, backup_root)
    with subscribed(database):
        enabled = only(problems(database, rollback(database, taken)), "replication")
        assert (enabled.severity, "keep changing" in enabled.what) == ("error", True)
        disable, detach, drop = enabled.remedy.partition(": ")[2].partition(" (and")[0].split("; ")
        database.sql(disable)
        disabled = only(problems(database, rollback(database, taken)), "replication")
        assert (disabled.severity, "stays with the replaced database" in disabled.what) == ("warning", True)
        database.sql(f"{detach}; {drop}")
        assert problems(database, rollback(database, taken)) == ()


@pytest.mark.fault(53)
def test_a_role_of_the_backup_that_is_gone_is_named(database: Database, backup_root: Path, role: Roles) -> None:
    owner, reader, setter = (role(f"{database.name}_{name}", "") for name in ("owner", "reader", "setter"))
    database.sql(f"ALTER TABLE empty_one OWNER TO {owner}; GRANT SELECT ON customers TO {reader}, pg_monitor")
    database.admin(f"ALTER ROLE {setter} IN DATABASE {database.name} SET work_mem = '1MB'")
    taken = back_up(database, backup_root)
    assert problems(database, rollback(database, taken)) == ()
    database.sql(f"REASSIGN OWNED BY {owner} TO CURRENT_USER; DROP OWNED BY {reader}")
    database.admin(f"DROP ROLE {owner}; DROP ROLE {reader}; DROP ROLE {setter}")
    found = problems(database, rollback(database, taken))
    gone = of(found, "roles")
    assert [problem.severity for problem in gone] == ["error"] * 3
    assert [name in problem.what for problem, name in zip(gone, (owner, reader, setter))] == [True] * 3
    for problem in gone:
        database.admin(problem.remedy.partition(" (what")[0])
    assert of(problems(database, rollback(database, taken)), "roles") == []


@pytest.fixture
def directory(server: pgserver.Server) -> Iterator[Path]:
    """An empty directory of the server's user."""
    place = Path(tempfile.mkdtemp(dir=server.data_dir.parent))
    facts = server.data_dir.stat()
    os.chown(place, facts.st_uid, facts.st_gid)
    yield place
    shutil.rmtree(place)


@pytest.mark.fault(53)
def test_a_tablespace_of_the_backup_that_is_gone_is_named(
    database: Database, backup_root: Path, directory: Path
) -> None:
    database.admin(f"CREATE TABLESPACE \"Fast Disk\" LOCATION '{directory}'")
    database.sql('ALTER TABLE empty_one SET TABLESPACE "Fast Disk"')
    taken = back_up(database, backup_root)
    assert problems(database, rollback(database, taken)) == ()
    database.sql("ALTER TABLE empty_one SET TABLESPACE pg_default")
    database.admin('DROP TABLESPACE "Fast Disk"')
    problem = only(problems(database, rollback(database, taken)), "tablespaces")
    assert (problem.severity, "Fast Disk" in problem.what) == ("error", True)
    assert "globals.sql" in problem.remedy


@pytest.mark.fault(53)
def test_an_extension_that_the_server_has_not_or_not_in_that_version_is_named(
    database: Database, backup_root: Path
) -> None:
    database.sql("CREATE EXTENSION hstore VERSION '1.7'")
    taken = back_up(database, backup_root)
    assert problems(database, rollback(database, taken)) == ()
    manifest = with_extensions(taken.manifest, hstore="99.1", elsewhere="1.0")
    intent = rollback(database, taken, manifest=manifest)
    other_version, missing = of(problems(database, intent), "extensions")
    assert (other_version.severity, missing.severity) == ("error", "error")
    assert "hstore is in the backup in the version 99.1" in other_version.what
    assert "elsewhere of the backup is not installed" in missing.what


def test_extensions_that_nobody_has_tried_to_restore_are_refused_by_name(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    manifest = with_extensions(taken.manifest, pg_cron="1.6", timescaledb="2.1")
    intent = rollback(database, taken, manifest=manifest)
    found = of(problems(database, intent), "untested_extensions")
    assert [(problem.severity, problem.what.split()[2]) for problem in found] == [
        ("error", "pg_cron"),
        ("error", "timescaledb"),
    ]


@pytest.mark.fault(54)
def test_old_and_new_must_fit_on_the_disk_at_once(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    facts = run.look(database.target, rollback(database, taken))
    free = facts.data_filesystem.free_bytes
    assert free is not None
    assert free > facts.bytes_needed > taken.manifest.database_bytes
    huge = rollback(database, taken, manifest=replace(taken.manifest, database_bytes=free + 1))
    problem = only(problems(database, huge), "data_disk")
    assert (problem.severity, str(facts.data_filesystem.path) in problem.what) == ("error", True)


@pytest.mark.fault(54)
def test_a_disk_that_cannot_be_seen_takes_a_stated_number_or_a_waiver(
    database: Database, backup_root: Path, role: Roles
) -> None:
    taken = back_up(database, backup_root)
    # This role may not know the data directory, as on a server that is somewhere else.
    blind = as_role(database, role(f"{database.name}_blind", "CREATEDB"))
    intent = rollback(database, taken, replaces=None, creates=("beside_it",))
    unseen = only(problems(database, intent, blind), "data_disk")
    assert (unseen.severity, "cannot be seen from here" in unseen.what) == ("error", True)
    assert of(problems(database, replace(intent, stated_free_bytes=1 << 40), blind), "data_disk") == []
    little = only(problems(database, replace(intent, stated_free_bytes=1 << 10), blind), "data_disk")
    assert (little.severity, "1.0K free" in little.what) == ("error", True)
    waived = only(problems(database, replace(intent, waived={"data_disk": "it is huge"}), blind), "data_disk")
    assert waived.severity == "warning"


# Asked by the restore itself, when it fills the materialized view.
MUST_BE_FREE = """
CREATE FUNCTION must_be_free() RETURNS text STABLE LANGUAGE plpgsql AS $$
DECLARE hampered text := (SELECT string_agg(name || ' = ' || setting, ', ') FROM pg_catalog.pg_settings
    WHERE name ~ '_timeout$' AND name ~ '^(statement|lock|idle|transaction)' AND setting <> '0'
       OR name = 'default_transaction_read_only' AND setting <> 'off' OR name = 'search_path' AND setting ~ 'nowhere');
BEGIN
    IF hampered IS NOT NULL THEN RAISE EXCEPTION 'hampered by %', hampered; END IF;
    RETURN 'free';
END $$;
CREATE MATERIALIZED VIEW free AS SELECT public.must_be_free();
"""
HAMPERING = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "search_path": "nowhere",
    "statement_timeout": "1min",
    "lock_timeout": "1min",
    "idle_in_transaction_session_timeout": "1min",
    "idle_session_timeout": "1min",
    "row_security": "off",
    "DateStyle": "German",
}


@pytest.mark.fault(55)
@pytest.mark.parametrize("where", ["DATABASE {database}", "ROLE {role}", "ROLE {role} IN DATABASE {database}"])
def test_a_restore_is_immune_to_settings_of_the_database_and_of_the_role(
    database: Database, backup_root: Path, role: Roles, where: str
) -> None:
    name = role(f"{database.name}_admin", "SUPERUSER")
    database.sql(MUST_BE_FREE)
    before, mine = database.fingerprint(), as_role(database, name)
    settings = dict(HAMPERING)
    if database.server.installation.major >= 17:
        settings["transaction_timeout"] = "1min"
    place = where.format(database=database.name, role=name)
    database.admin("".join(f"ALTER {place} SET {key} = '{value}';" for key, value in settings.items()))
    taken = backup.run(requests.backup(mine, backup_root))
    assert of(problems(database, rollback(database, taken), mine), "settings") == []
    database.sql("SET default_transaction_read_only = off; DELETE FROM public.orders")
    done = restore.run(requests.restore(mine, taken.directory))
    assert (done.method, done.failures) == ("archive", ())
    assert database.fingerprint() == before


@pytest.mark.fault(55)
def test_a_setting_that_no_session_of_ours_overrides_is_told(
    database: Database, backup_root: Path, role: Roles
) -> None:
    name = role(f"{database.name}_small", "SUPERUSER")
    taken, mine = back_up(database, backup_root), as_role(database, name)
    database.admin(f"ALTER ROLE {name} SET temp_file_limit = '1MB'; ALTER ROLE {name} SET work_mem = '1MB'")
    problem = only(problems(database, rollback(database, taken), mine), "settings")
    assert (problem.severity, "temp_file_limit = 1MB" in problem.what) == ("warning", True)
    database.admin(problem.remedy.partition(" (and")[0])
    assert of(problems(database, rollback(database, taken), mine), "settings") == []


@pytest.mark.fault(59)
def test_a_name_that_is_taken_or_too_long_is_told(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    intent = rollback(database, taken)
    copy, kept = intent.creates
    copies.create(database.target, copy, source(database, taken))
    assert problems(database, intent) == ()
    database.admin(f'CREATE DATABASE "{kept}"')
    problem = only(problems(database, intent), "database_names")
    assert (problem.severity, f"A database {kept} exists already" in problem.what) == ("error", True)
    database.admin(problem.remedy.partition(": ")[2])
    assert of(problems(database, intent), "database_names") == []
    longest = only(problems(database, replace(intent, creates=("ä" * 32,))), "database_names")
    assert (longest.severity, "has 64 bytes" in longest.what) == ("error", True)
    assert problems(database, replace(intent, creates=("ä" * 31 + "x",)))[1:] == ()


def test_sessions_that_will_be_ended_are_named(database: Database, backup_root: Path) -> None:
    intent = rollback(database, back_up(database, backup_root))
    with database.holding("SELECT"):
        problem = only(problems(database, intent), "sessions")
        assert (problem.severity, "holder" in problem.what) == ("info", True)


def test_what_a_role_may_not_do_is_told(database: Database, backup_root: Path, role: Roles) -> None:
    name = role(f"{database.name}_weak", "")
    taken, weak = back_up(database, backup_root), as_role(database, name)
    intent = rollback(database, taken, stated_free_bytes=1 << 40)
    with database.holding("SELECT"):
        found = of(problems(database, intent, weak), "privileges")
        assert [problem.severity for problem in found] == ["error"] * 4
        assert "superuser has a session" in found[3].what
    database.admin("; ".join(problem.remedy.partition(", or")[0] for problem in found[:3]))
    assert of(problems(database, intent, weak), "privileges") == []
    database.admin(f"ALTER DATABASE {database.name} OWNER TO CURRENT_USER; DROP OWNED BY {name}")


def test_what_only_a_superuser_restores_is_told(database: Database, backup_root: Path, role: Roles) -> None:
    database.sql(
        "CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION on_ddl();"
        "SET client_min_messages = error; CREATE PUBLICATION everything FOR ALL TABLES;"
        "CREATE PUBLICATION few FOR TABLE empty_one; CREATE EXTENSION hstore; CREATE EXTENSION pageinspect"
    )
    taken = back_up(database, backup_root)
    weak = as_role(database, role(f"{database.name}_weak", "CREATEDB"))
    intent = rollback(database, taken, replaces=None, creates=("beside_it",), stated_free_bytes=1 << 40)
    found = of(problems(database, intent, weak), "restorable")
    errors = [problem.what for problem in found if problem.severity == "error"]
    assert [any(word in what for what in errors) for word in ("watching", "everything", "pageinspect")] == [True] * 3
    assert len(errors) == 3
    (foreign,) = [problem for problem in found if problem.severity == "warning"]
    assert "is no member of postgres" in foreign.what
    assert of(problems(database, intent), "restorable") == []


def test_foreign_servers_and_dblink_of_a_copy_reach_the_real_ones(database: Database, backup_root: Path) -> None:
    assert of(problems(database, rollback(database, back_up(database, backup_root))), "foreign_access") == []
    database.sql(
        "CREATE EXTENSION postgres_fdw; CREATE EXTENSION dblink;"
        "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere')"
    )
    problem = only(problems(database, rollback(database, back_up(database, backup_root))), "foreign_access")
    assert problem.severity == "warning"
    assert "the foreign server far, the extension dblink" in problem.what
