# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fence on a server: who may still do what in each stage, what its counters see, and that everything is undone."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    CommandFailed,
    LockNotAvailable,
    Refused,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import counters
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, Target
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import cutover
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    SLEEPING,
    Database,
    events,
    fenced,
    migrating,
    ours,
    request,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

SETTING = "default_transaction_read_only"


def raise_fence(database: Database, backup_root: Path, **options: object) -> journal.Journal:
    raised = fence.run(requests.fence(database.target, backup_root, **options))  # type: ignore[arg-type]
    found = journal.of_run(backup_root, raised.run_id)
    assert found is not None
    return found


def settings(database: Database) -> str:
    query = (
        "SELECT coalesce(string_agg(unnest, ';'), '') FROM pg_db_role_setting, unnest(setconfig) WHERE setdatabase ="
    )
    return database.admin(f"{query} (SELECT oid FROM pg_database WHERE datname = '{database.name}')")


def write(database: Database, *statements: str) -> None:
    """In a session of somebody else's, committed."""
    connection = database.connect()
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.mark.every_major
def test_behind_the_read_only_fence_others_read_and_do_not_write(database: Database, backup_root: Path) -> None:
    early = database.connect()
    run = raise_fence(database, backup_root)
    with pytest.raises(psycopg2.OperationalError), early.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert database.sql("SELECT count(*) FROM customers") == "60"
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        write(database, "DELETE FROM customers")
    fence.undo(database.target, run)
    write(database, "DELETE FROM orders")
    assert settings(database) == ""
    assert [entry.event for entry in run.entries()] == ["fencing", "fenced", "opened"]


@pytest.mark.parametrize("own", ["on", "off"])
def test_the_database_gets_its_own_setting_back(database: Database, backup_root: Path, own: str) -> None:
    database.admin(f"ALTER DATABASE {database.name} SET {SETTING} = {own}")
    run = raise_fence(database, backup_root)
    assert settings(database) == f"{SETTING}=on"
    fence.undo(database.target, run)
    assert settings(database) == f"{SETTING}={own}"


COMMENT = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = '{}'"


@pytest.mark.parametrize("kind", fence.KINDS)
@pytest.mark.parametrize("own", ["the members' own", ""])
def test_the_database_says_who_has_fenced_it_and_gets_its_own_comment_back(
    database: Database, backup_root: Path, kind: str, own: str
) -> None:
    comment = COMMENT.format(database.name)
    if own:
        database.admin(f"COMMENT ON DATABASE {database.name} IS '{own.replace(chr(39), chr(39) * 2)}'")
    run = raise_fence(database, backup_root, kind=kind, reason="a test")
    place = f"on {platform.node()}, whose journal is in {run.directory}"
    assert database.admin(comment) == f"pgsafe: fenced by the run {run.run_id} {place}"
    fence.undo(database.target, run)
    assert database.admin(comment) == own


def test_a_comment_that_a_migration_has_written_stays(database: Database, backup_root: Path) -> None:
    run = raise_fence(database, backup_root)
    database.admin(f"COMMENT ON DATABASE {database.name} IS 'of the migration'")
    fence.undo(database.target, run)
    assert database.admin(COMMENT.format(database.name)) == "of the migration"


@pytest.mark.fault(67)
@pytest.mark.parametrize("closed", [False, True])
def test_a_run_from_another_host_is_told_of_a_fence_that_nobody_watches(
    database: Database, backup_root: Path, tmp_path: Path, closed: bool
) -> None:
    run = raise_fence(database, backup_root)
    raised = fence.recorded(run)
    assert raised is not None
    if closed:
        fence.close(database.target, raised, run)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    for verb in (recover.plan, recover.run):
        with pytest.raises(Refused) as caught:
            verb(requests.recover(database.target, elsewhere))
        assert f"fenced by the run {run.run_id} on {platform.node()}" in caught.value.what
        assert str(run.directory) in caught.value.what
        assert ("may hold half" in caught.value.state) == closed
    by_hand = caught.value.remedy.partition("by hand: ")[2]
    for line in by_hand.rstrip(";").split("; "):
        database.admin(line)
    write(database, "DELETE FROM orders")
    assert (settings(database), database.admin(COMMENT.format(database.name))) == ("", "")
    recover.run(requests.recover(database.target, elsewhere))


def test_a_fence_is_not_raised_on_top_of_one_that_nobody_watches(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    run = raise_fence(database, backup_root)
    with pytest.raises(Refused, match="that run did not finish"):
        raise_fence(database, backup_root)
    assert [entry.run_id for entry in journal.all_runs(backup_root)] == [run.run_id]
    fence.undo(database.target, run)


def test_the_fence_is_not_in_the_backups_properties(database: Database, backup_root: Path) -> None:
    database.admin(f"ALTER DATABASE {database.name} SET work_mem = '5MB'")
    taken = fenced(database, backup_root, proof="scratch")
    assert taken.manifest.properties.settings == (("", "work_mem=5MB"),)
    assert taken.manifest.properties.comment is None


@pytest.mark.every_major
@pytest.mark.parametrize("kind", [fence.BOTH, fence.CLOSED, fence.CONNECT])
def test_a_migration_behind_a_fence_ends_migrated_and_open(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    taken = fenced(database, backup_root, kind)
    outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert (outcome.verdict, outcome.fence, outcome.warnings) == ("migrated", kind, ())
    assert ours(database.server, database.name) == set()
    write(database, "UPDATE customers SET grade = 3")
    assert settings(database) == ""
    assert events(taken.directory)[-5:] == ["applied", "accepted", "opened", "migrated", "verified_copy_dropped"]


@pytest.mark.every_major
@pytest.mark.parametrize("kind", [kind for kind in fence.KINDS if kind != COPIED])
def test_a_failed_migration_behind_a_fence_is_rolled_back_to_the_verified_copy(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root, kind)
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    restored = caught.value.outcome.rollback
    assert restored is not None, str(caught.value)
    assert (restored.state, restored.method, restored.failures) == ("rolled_back", "verified_copy", ())
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == {restored.kept}
    assert database.admin(f"SELECT datallowconn FROM pg_database WHERE datname = '{restored.kept}'") == "f"
    assert settings(database) == ""
    assert "opened" in events(taken.directory)
    write(database, "DELETE FROM orders")


def test_a_failed_migration_that_changed_nothing_opens_the_same_database(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    oid = database.admin(f"SELECT oid FROM pg_database WHERE datname = '{database.name}'")
    taken = fenced(database, backup_root)
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", {"1.sql": "SELECT 1 / 0;\n"})))
    assert caught.value.outcome.verdict == "failed_unchanged"
    assert database.admin(f"SELECT oid FROM pg_database WHERE datname = '{database.name}'") == oid
    assert ours(database.server, database.name) == set()
    write(database, "DELETE FROM orders")


def test_while_it_is_closed_nobody_finds_the_database_and_the_migration_does(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root)
    closed = database.called(f"{database.name}__pgsafe_{taken.run_id}")
    source = write_set(tmp_path / "set", {"001.sql": "SELECT pg_sleep(600);\n"})
    with migrating(database, taken, source) as process:
        until(lambda: database.admin(SLEEPING.format(closed.name)) == "1", "the migration waits")
        with pytest.raises(psycopg2.OperationalError, match="does not exist"):
            database.connect()
        database.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{closed.name}'")
        assert process.wait() == 1
    assert database.sql("SELECT count(*) FROM customers") == "60"
    assert events(taken.directory)[-4:] == ["accepted", "opened", "verified_copy_dropped", "failed_unchanged"]


@pytest.mark.parametrize("raised", [False, True], ids=["before the fence", "behind the fence"])
def test_a_transaction_that_has_altered_the_database_itself_is_named(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: bool
) -> None:
    monkeypatch.setitem(cutover.DURABLE, "lock_timeout", "1s")
    altering: Callable[[], object] = partial(raise_fence, database, backup_root)
    if raised:
        taken = fenced(database, backup_root)
        altering = partial(migrate.run, request(database, taken, write_set(tmp_path / "set", MADE)))
    with database.called("postgres").holding(f"COMMENT ON DATABASE {database.name} IS 'being altered'") as holder:
        named = rf"could not be altered within 1s: .*: pid {holder.info.backend_pid} \(\w+, in its transaction for"
        with pytest.raises(LockNotAvailable, match=named):
            altering()
    assert settings(database) == ""
    require_open(database)


@pytest.mark.every_major
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("INSERT INTO customers (name) VALUES ('x')", "rows were written"),
        ("TRUNCATE orders", "truncated or rewritten"),
        ("CREATE TABLE sneaked ()", "DDL ran"),
        ("SELECT nextval('customers_id_seq')", "the sequence public.customers_id_seq went from"),
        ("SELECT lo_from_bytea(0, 'x')", "rows were written"),
    ],
)
def test_the_change_counters_show_who_writes_in_spite_of_the_fence(
    database: Database, backup_root: Path, tmp_path: Path, harm: str, said: str
) -> None:
    taken = fenced(database, backup_root)
    write(database, f"SET {SETTING} = off", "COMMIT", "BEGIN READ WRITE", harm)
    with pytest.raises(Refused, match=said):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert "armed" not in events(taken.directory)
    assert settings(database) == ""
    write(database, "DELETE FROM orders")


@pytest.mark.every_major
def test_no_kind_of_object_changes_behind_the_back_of_the_counters(database: Database) -> None:
    """What a dump has, and rows of no table."""
    number = database.sql("SELECT lo_from_bytea(0, 'x')")
    unseen = []
    for harm in (
        f"GRANT SELECT ON LARGE OBJECT {number} TO PUBLIC",
        "SELECT lo_create(0)",
        "COMMENT ON TABLE customers IS 'paying ones'",
        "COMMENT ON SCHEMA public IS 'of today'",
        f"COMMENT ON LARGE OBJECT {number} IS 'a logo'",
        "CREATE STATISTICS names (ndistinct) ON id, name FROM customers",
        "CREATE CAST (text AS uuid) WITH INOUT",
        "CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq)",
        "CREATE COLLATION plain FROM \"C\"",
        "CREATE FOREIGN DATA WRAPPER afar",
        "CREATE SERVER afar FOREIGN DATA WRAPPER afar",
        "ALTER SERVER afar OPTIONS (ADD host 'a')",
        "CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple)",
        "ALTER TEXT SEARCH CONFIGURATION plain DROP MAPPING FOR asciiword",
        "CREATE PUBLICATION all_of_it FOR TABLE customers",
        "ALTER PUBLICATION all_of_it ADD TABLE orders",
    ):
        before = counters.take(database.target)
        database.sql(harm)
        if not list(counters.differences(before, counters.take(database.target))):
            unseen.append(harm)
    assert unseen == []


def test_reset_statistics_are_made_up_for_by_the_fingerprint(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root)
    database.sql("SELECT pg_stat_reset()")
    assert migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD))).verdict == "migrated"


def test_reset_statistics_do_not_hide_a_write(database: Database, backup_root: Path, tmp_path: Path) -> None:
    taken = fenced(database, backup_root)
    write(database, f"SET {SETTING} = off", "COMMIT", "BEGIN READ WRITE", "DELETE FROM orders")
    database.sql("SELECT pg_stat_reset()")
    with pytest.raises(Refused, match="orders has 0 rows instead of 500"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))


def test_no_fence_at_all_needs_a_reason(database: Database, backup_root: Path) -> None:
    with pytest.raises(BadRequest, match="Without a fence"):
        fence.run(requests.fence(database.target, backup_root, fence.NONE))


def test_a_hook_that_fails_leaves_no_fence(database: Database, backup_root: Path, tmp_path: Path) -> None:
    after = ("touch", str(tmp_path / "after"))
    with pytest.raises(CommandFailed, match="A hook failed: false ended with status 1"):
        raise_fence(database, backup_root, before=[["false"]], after=[after])
    assert settings(database) == ""
    assert (tmp_path / "after").exists()


def test_hooks_run_before_the_fence_and_after_the_opening(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    psql = [str(database.server.bin_dir / "psql"), "-XAtq", "-h", str(database.server.socket_dir), "-U", "postgres"]
    query = f"SELECT current_setting('{SETTING}')"
    told = [*psql, "-p", str(database.server.port), "-d", database.name, "-c", query, "-o"]
    hooks = {"before": [[*told, str(tmp_path / "before")]], "after": [[*told, str(tmp_path / "after")], ["false"]]}
    run = raise_fence(database, backup_root, **hooks)
    assert not (tmp_path / "after").exists()
    lifted = fence.undo(database.target, run)
    assert [(tmp_path / name).read_text() for name in ("before", "after")] == ["off\n", "off\n"]
    assert lifted.failures == ("A hook failed: false ended with status 1.",)


def test_a_database_that_took_the_name_meanwhile_is_left_alone(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root)
    psql = str(database.server.bin_dir / "psql")
    source = SetSource(command=(psql, "-X", "-d", "postgres", "-c", f"CREATE DATABASE {database.name}"))
    wish = requests.migrate(database.target, source, taken.directory, taken.run_id, database.name)
    with pytest.raises(Refused, match=r"another database .* has been created meanwhile") as caught:
        migrate.run(replace(wish, wanted=Wanted(may_do_nothing=True)))
    assert "the next run opens it" in str(caught.value)
    closed = database.called(f"{database.name}__pgsafe_{taken.run_id}")
    assert closed.sql("SELECT count(*) FROM customers") == "60"


@pytest.mark.every_major
@pytest.mark.parametrize("where", ["", "IN DATABASE {0} "])
def test_preflight_refuses_a_role_whose_own_setting_beats_the_fence(
    database: Database, backup_root: Path, where: str
) -> None:
    role = f"writer_{database.name}"
    database.admin(f"CREATE ROLE {role}; ALTER ROLE {role} {where.format(database.name)}SET {SETTING} = off")
    try:
        found = preflight.run(requests.preflight(database.target, backup_root))
        assert [(problem.check, problem.what.split()[2]) for problem in found.errors] == [("fence", role)]
        without = requests.preflight(database.target, backup_root, fence="closed")
        assert preflight.run(without).errors == ()
    finally:
        database.admin(f"DROP ROLE {role}")


@pytest.mark.every_major
@pytest.mark.parametrize("kind", [fence.BOTH, fence.CONNECT])
def test_a_session_that_may_not_be_ended_stops_the_run_before_anything_is_changed(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    with owned(database) as target:
        raised = fence.run(requests.fence(target, backup_root, kind))
        taken = backup.run(requests.backup(target, backup_root, run_id=raised.run_id))
        verify.run(requests.verify(target, taken.directory))
        source = SetSource(write_set(tmp_path / "set", {"1.sql": "CREATE TABLE made ();\n"}))
        superuser = database.called(target.dbname).connect("a superuser")
        try:
            with pytest.raises(Refused, match=r"cannot be ended|Superusers are connected"):
                migrate.run(requests.migrate(target, source, taken.directory, taken.run_id, target.dbname))
        finally:
            superuser.close()
        assert "armed" not in events(taken.directory)
        assert settings(database.called(target.dbname)) == ""
        assert ours(database.server, target.dbname) == set()


MADE = {"1.sql": "CREATE TABLE made ();\n"}


@pytest.mark.every_major
@pytest.mark.parametrize("files", [MADE, {**MADE, "2.sql": "SELECT 1/0;\n"}], ids=["good", "broken"])
@pytest.mark.parametrize("kind", [fence.BOTH, fence.CONNECT])
def test_an_owner_who_is_no_superuser_migrates_behind_a_fence(
    database: Database, backup_root: Path, tmp_path: Path, kind: str, files: dict[str, str]
) -> None:
    # Before PostgreSQL 16 a role may make members of itself; since then, for connect, somebody must let it.
    possible = kind == fence.BOTH or database.server.installation.major < 16
    with owned(database, "CREATEROLE") as target:
        raised = fence.run(requests.fence(target, backup_root, kind))
        taken = backup.run(requests.backup(target, backup_root, run_id=raised.run_id))
        verify.run(requests.verify(target, taken.directory, proof="verified_copy"))
        source = SetSource(write_set(tmp_path / "set", files))
        wanted = requests.migrate(target, source, taken.directory, taken.run_id, target.dbname)
        ended = "refused" if not possible else "migrated" if files is MADE else "rolled_back"
        assert verdict_of(wanted) == ended
        tables = "SELECT string_agg(tablename || ' of ' || tableowner, ',') FROM pg_tables WHERE schemaname = 'public'"
        found = database.called(target.dbname).sql(tables)
        assert found == (f"made of {target.params['user']}" if ended == "migrated" else "")
        assert database.admin("SELECT count(*) FROM pg_roles WHERE rolname ^@ 'pgsafe_'") == "0"
        acl = f"SELECT coalesce(datacl::text, '=Tc/') FROM pg_database WHERE datname = '{target.dbname}'"
        assert "=Tc/" in database.admin(acl)


def verdict_of(wanted: migrate.MigrateRequest) -> str:
    try:
        return migrate.run(wanted).verdict
    except migrate.MigrationFailed as failed:
        return failed.outcome.verdict
    except Refused:
        return "refused"


@contextmanager
def owned(database: Database, rights: str = "") -> Iterator[Target]:
    """A role that owns a database of its own, and has no right but those that a run asks for."""
    role, name = f"owner_{database.name}", f"{database.name}_owned"
    database.admin(f"CREATE ROLE {role} LOGIN CREATEDB {rights} IN ROLE pg_signal_backend")
    database.admin(f"CREATE DATABASE {name} TEMPLATE template0 OWNER {role}")
    if database.server.installation.major >= 15:
        database.called(name).sql(f"ALTER SCHEMA public OWNER TO {role}")
    try:
        yield replace(database.target, dbname=name, params={**database.target.params, "user": role})
    finally:
        for found in database.admin(f"SELECT datname FROM pg_database WHERE datdba = '{role}'::regrole").splitlines():
            database.admin(f'DROP DATABASE "{found}" WITH (FORCE)')
        database.admin(f"DROP ROLE {role}")


def test_a_superuser_of_the_application_is_not_kept_out_by_connect_and_so_it_is_refused(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root, fence.CONNECT)
    other = database.connect("the application")
    with pytest.raises(Refused, match="Superusers are connected to"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    other.close()
    assert "armed" not in events(taken.directory)
    write(database, "DELETE FROM orders")


def test_under_connect_nobody_else_gets_in_while_it_is_migrated(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    role = f"app_{database.name}"
    database.admin(f"CREATE ROLE {role} LOGIN; GRANT CONNECT ON DATABASE {database.name} TO {role} WITH GRANT OPTION")
    acl = f"SELECT array_agg(a ORDER BY a::text) FROM pg_database, unnest(datacl) a WHERE datname = '{database.name}'"
    before, taken = database.admin(acl), fenced(database, backup_root, fence.CONNECT)
    source = write_set(tmp_path / "set", {"001.sql": "SELECT pg_sleep(600);\n"})
    dsn = psycopg2.extensions.make_dsn(**{**database.target.params, "dbname": database.name, "user": role})
    with migrating(database, taken, source) as process:
        until(lambda: database.admin(SLEEPING.format(database.name)) == "1", "the migration waits")
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            psycopg2.connect(dsn)
        database.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'")
        assert process.wait() == 1
    assert database.admin(acl) == before
    psycopg2.connect(dsn).close()
    database.admin(f"DROP OWNED BY {role}; DROP ROLE {role}")
