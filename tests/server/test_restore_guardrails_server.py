# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore meets outside its database: slots, standbys, the archiver, and what was changed out there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import ConnectionFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint, Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import login_triggers
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, as_role, new_roles
from ansible_collections.pgsafe.migration.tests.server.restore_support import (
    of,
    only,
    problems,
    rollback,
    server_of_its_own,
)
from ansible_collections.pgsafe.migration.tests.server.standbys import standby_of
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, proven, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver


@pytest.fixture
def role(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@pytest.mark.every_major
@pytest.mark.fault(57)
def test_roles_that_were_changed_since_the_backup_are_told(database: Database, backup_root: Path, role: Roles) -> None:
    changed, group, gone = (role(f"{database.name}_{name}", "") for name in ("changed", "group", "gone"))
    taken = back_up(database, backup_root)
    assert problems(database, rollback(database, taken)) == ()
    made = role(f"{database.name}_made", "PASSWORD 'secret'")
    database.admin(f"ALTER ROLE {changed} CREATEDB; GRANT {group} TO {changed}; ALTER ROLE {gone} RENAME TO {gone}_2")
    found = of(problems(database, rollback(database, taken)), "cluster_objects")
    database.admin(f"ALTER ROLE {gone}_2 RENAME TO {gone}")
    assert {problem.severity for problem in found} == {"warning"}
    told = "\n".join(problem.what for problem in found)
    assert f"role {changed} is other than before" in told
    assert f"role {gone} is missing" in told
    assert f"role {made} was not there before" in told
    assert f"membership {changed} in {group} was not there before" in told
    assert len(found) == 5
    assert "secret" not in told + (taken.directory / "manifest.json").read_text()


@pytest.mark.every_major
@pytest.mark.fault(57)
def test_other_databases_that_came_or_went_since_the_backup_are_told(
    database: Database, backup_root: Path, clone: Callable[[str], Database]
) -> None:
    other = clone("template1")
    taken = back_up(database, backup_root)
    assert problems(database, rollback(database, taken)) == ()
    made = clone("template1")
    database.admin(f"DROP DATABASE {other.name}")
    database.admin(f"COMMENT ON DATABASE {clone('template1').name} IS 'pgsafe: a copy of another run'")
    found = of(problems(database, rollback(database, taken)), "cluster_objects")
    assert [problem.severity for problem in found] == ["info", "info"]
    assert f"database {other.name} is missing" in found[0].what
    assert f"database {made.name} was not there before" in found[1].what


@pytest.mark.every_major
def test_a_database_that_the_migration_renamed_is_not_told_as_another_one(
    database: Database, backup_root: Path
) -> None:
    taken = back_up(database, backup_root)
    database.admin(f"ALTER DATABASE {database.name} RENAME TO {database.name}_renamed")
    assert problems(database, rollback(database, taken, replaces=f"{database.name}_renamed")) == ()


def test_a_backup_goes_back_to_its_own_major_or_to_a_later_one(
    database: Database, backup_root: Path, running: Callable[[int], pgserver.Server]
) -> None:
    database.admin(f"CREATE DATABASE {database.name}_else")
    earlier = Database(running(min(found.major for found in pgserver.find_installations())), "postgres")
    for origin, server, severity in ((database, earlier, "error"), (earlier, database, "warning")):
        taken = back_up(origin, backup_root)
        assert of(problems(origin, rollback(origin, taken, replaces=None)), "server_version") == []
        there = problems(server, rollback(origin, taken, replaces=None))
        assert only(there, "server_version").severity == severity
        assert of(there, "cluster_objects") == [], "other roles there were not changed by anybody"


@pytest.fixture
def logical(server: pgserver.Server) -> Iterator[Database]:
    """A database of a server of its own, with logical slots, a limit for slots, and an archiver that can be broken."""
    with server_of_its_own(
        server, "max_slot_wal_keep_size = 64MB\narchive_mode = on\narchive_command = 'true'\n"
    ) as own:
        yield own


@pytest.mark.every_major
@pytest.mark.fault(52)
def test_a_logical_slot_of_the_live_database_is_in_the_way(logical: Database, backup_root: Path) -> None:
    taken = back_up(logical, backup_root)
    logical.admin("SELECT pg_create_logical_replication_slot('elsewhere', 'test_decoding')")
    assert of(problems(logical, rollback(logical, taken)), "replication") == []
    logical.sql("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')")
    problem = only(problems(logical, rollback(logical, taken)), "replication")
    assert (problem.severity, "logical slot cdc" in problem.what) == ("error", True)
    logical.sql(problem.remedy.partition(": ")[2])
    assert of(problems(logical, rollback(logical, taken)), "replication") == []


@pytest.mark.every_major
def test_slots_that_the_restore_s_log_would_kill_and_an_archiver_that_fails_are_told(
    logical: Database, backup_root: Path
) -> None:
    taken = back_up(logical, backup_root)
    small = rollback(logical, taken)
    logical.admin("SELECT pg_create_physical_replication_slot('standby', true)")
    assert of(problems(logical, small), "wal_carriers") == []
    large = replace(small, manifest=replace(taken.manifest, database_bytes=1 << 30))
    slot = only(problems(logical, large), "wal_carriers")
    assert (slot.severity, "The slot standby is lost when it falls" in slot.what) == ("warning", True)
    for statement in slot.remedy.split("; "):
        logical.admin(statement)
    until(lambda: logical.admin("SHOW max_slot_wal_keep_size") != "64MB", "the setting is read")
    assert of(problems(logical, large), "wal_carriers") == []
    logical.admin("ALTER SYSTEM SET archive_command = 'false'")
    logical.admin("SELECT pg_reload_conf()")
    logical.admin("CREATE TABLE t (); SELECT pg_switch_wal()")
    until(lambda: logical.admin("SELECT failed_count > 0 FROM pg_stat_archiver") == "t", "archiving fails")
    archiver = only(problems(logical, small), "wal_carriers")
    assert (archiver.severity, "The archiver fails with 0000" in archiver.what) == ("warning", True)


@pytest.mark.every_major
def test_standbys_are_listed_whose_sessions_will_read_the_replaced_database(
    logical: Database, backup_root: Path
) -> None:
    taken = back_up(logical, backup_root)
    assert of(problems(logical, rollback(logical, taken)), "standbys") == []
    streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    with standby_of(logical.server) as follower:
        until(lambda: logical.admin(streaming) == "1", "the standby streams")
        problem = only(problems(logical, rollback(logical, taken)), "standbys")
        on_standby = problems(Database(follower, "app"), rollback(logical, taken))
    assert (problem.severity, "a_standby (local, streaming)" in problem.what) == ("warning", True)
    assert f"datid = {taken.manifest.identity.oid}" in problem.remedy
    assert only(on_standby, "standby").severity == "error"
    assert of(problems(logical, rollback(logical, taken, replaces=None)), "standbys") == []


# For everybody who logs in, but for those who switch it off.
REFUSING = """
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE EVENT TRIGGER doorman ON login EXECUTE FUNCTION refuse();
"""


def fingerprint_of(target: Target) -> Fingerprint:
    with session(target) as reader:
        return fingerprint.take(reader)


def test_sessions_of_ours_do_not_fire_login_event_triggers(database: Database, backup_root: Path) -> None:
    database.sql(REFUSING)
    with pytest.raises(ConnectionFailed, match="not today"), session(database.target):
        pass
    assert preflight.run(requests.preflight(database.target, backup_root)).errors == ()
    taken = proven(database, backup_root)
    silenced = login_triggers.silenced(database.target)
    found = problems(database, rollback(database, taken), silenced)
    assert [(problem.check, problem.severity) for problem in found] == [("login_triggers", "info")]
    assert f"doorman of the backup, one of {database.name}" in found[0].what
    before = fingerprint_of(silenced)
    with session(silenced, WRITING) as writer:
        writer.execute("DELETE FROM public.orders")
    done = restore.run(requests.restore(silenced, taken.directory))
    assert (done.state, done.method, done.failures) == ("rolled_back", "archive", ())
    assert fingerprint_of(silenced) == before
    with pytest.raises(ConnectionFailed, match="not today"), session(database.target):
        pass


def test_a_role_that_may_not_switch_login_event_triggers_off_is_refused_until_it_may(
    database: Database, backup_root: Path, role: Roles
) -> None:
    taken = back_up(database, backup_root)
    name = role(f"{database.name}_weak", "CREATEDB")
    weak = as_role(database, name)
    intent = rollback(database, taken, stated_free_bytes=1 << 40)
    assert of(problems(database, intent, weak), "login_triggers") == []
    database.sql(REFUSING)
    problem = only(problems(database, intent, weak), "login_triggers")
    assert problem.severity == "error"
    assert login_triggers.silenced(weak) == weak
    database.admin(problem.remedy.partition(", or")[0])
    assert only(problems(database, intent, weak), "login_triggers").severity == "info"
    with session(login_triggers.silenced(weak)) as reader:
        assert reader.value("SELECT 1") == 1
    database.admin(f"REVOKE SET ON PARAMETER event_triggers FROM {name}")
