# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands in the way of a run: each problem planted in a real database, where the check was silent before."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import environment
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, as_role, new_roles, request
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import Database, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

# What no statement does, an update of the catalogs does.
BY_FORCE = "SET allow_system_table_mods = on;"


@pytest.fixture
def role(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


def named(found: preflight.Preflight, severity: str) -> list[str]:
    return [problem.check for problem in found.problems if problem.severity == severity]


@pytest.mark.every_server
@pytest.mark.fault(15)
@pytest.mark.fault(14)
def test_a_database_without_the_expected_tables_or_without_any_is_told(database: Database, backup_root: Path) -> None:
    expected = ["customers", 'Odd Schema.Odd "T" x', "public.orders"]
    assert of(look(database, backup_root, expected_tables=expected), "expected_tables") == []
    problem = only(look(database, backup_root, expected_tables=[*expected, "invoices"]), "expected_tables")
    assert (problem.severity, "public.invoices" in problem.what) == ("error", True)
    database.sql('DROP TABLE customers, orders, "Odd Schema"."Odd ""T"" x", empty_one CASCADE')
    empty = look(database, backup_root)
    assert (only(empty, "expected_tables").severity, empty.errors) == ("warning", ())


@pytest.mark.fault(24)
def test_client_tools_of_another_major_are_told_and_nothing_is_tried_with_them(
    database: Database, backup_root: Path
) -> None:
    assert of(look(database, backup_root), "client_tools") == []
    other = min(pgserver.find_installations(), key=lambda found: found.major)
    wrong = replace(database.target, bin_dir=str(other.bin_dir))
    found = look(database, backup_root, wrong, probe=True)
    problem = only(found, "client_tools")
    assert (problem.severity, f"has {other.major}." in problem.what) == ("error", True)
    assert (found.facts.tools_version, of(found, "scratch_access")) == ("", [])


@pytest.mark.every_server
@pytest.mark.fault(24)
@pytest.mark.parametrize("method", ["zstd", "lz4"])
def test_a_compression_that_pg_dump_lacks_is_found_by_the_preflight_and_refused_by_the_backup(
    database: Database, backup_root: Path, method: str
) -> None:
    schema = ("--format=custom", "--schema-only", f"--compress={method}:1", f"--file={os.devnull}")
    program = database.server.installation.bin_dir / "pg_dump"
    done = subprocess.run([program, *schema], env=environment(database.target), check=False, capture_output=True)
    looked = look(database, backup_root, compress_method=method)
    found = of(looked, "client_tools")
    assert looked.facts.tools_version.startswith(f"{database.server.installation.major}.")
    if done.returncode == 0:
        assert found == []
        return
    (problem,) = found
    assert problem.severity == "error"
    assert f" {method}" in problem.what
    assert problem.what.endswith("Set compress_method to gzip.")
    with pytest.raises(Refused) as refused:
        backup.run(request(database, backup_root, compress_method=method))
    assert problem.what == f"{refused.value.what} {refused.value.remedy}"
    assert list(backup_root.iterdir()) == []


@contextmanager
def waiting(database: Database, statement: str) -> Iterator[int]:
    """A session that waits in a statement for somebody's lock, until the block ends."""
    session = database.connect("waiter")
    pid = session.info.backend_pid

    def wait() -> None:
        with session.cursor() as cursor, pytest.raises(psycopg2.Error):
            cursor.execute(statement)

    thread = threading.Thread(target=wait)
    thread.start()
    blocked = f"SELECT count(*) FROM pg_locks WHERE pid = {pid} AND NOT granted"
    try:
        until(lambda: database.admin(blocked) == "1", "the session waits")
        yield pid
    finally:
        database.admin(f"SELECT pg_terminate_backend({pid}, 5000)")
        thread.join()
        session.close()


@pytest.mark.every_server
def test_sessions_transactions_and_waits_for_locks_are_told_with_the_way_to_end_them(
    database: Database, backup_root: Path
) -> None:
    quiet = look(database, backup_root, thresholds=replace(requests.THRESHOLDS, long_transaction=-1))
    assert [of(quiet, check) for check in ("sessions", "long_transactions", "lock_waits")] == [[], [], []]
    with (
        database.holding("LOCK TABLE empty_one IN SHARE MODE") as holder,
        waiting(database, "INSERT INTO empty_one VALUES (1)") as pid,
    ):
        found = look(database, backup_root, thresholds=replace(requests.THRESHOLDS, long_transaction=-1))
        patient = look(database, backup_root)
        ender = f"SELECT pg_terminate_backend({holder.info.backend_pid})"
    assert only(found, "sessions").severity == "info"
    assert [ender in problem.remedy for problem in of(found, "long_transactions")] == [True, False]
    wait = only(found, "lock_waits")
    assert (wait.severity, wait.remedy.endswith(ender)) == ("warning", True)
    assert f"pid {pid} (postgres) has waited" in wait.what
    assert "for a lock on public.empty_one" in wait.what
    assert (of(patient, "long_transactions"), found.errors) == ([], ())


@pytest.mark.every_server
@pytest.mark.fault(52)
@pytest.mark.fault(10)
def test_a_prepared_transaction_and_whoever_waits_for_it_are_told(database: Database, backup_root: Path) -> None:
    assert of(look(database, backup_root), "prepared_transactions") == []
    database.sql("BEGIN; LOCK TABLE empty_one; PREPARE TRANSACTION 'open'")
    with waiting(database, "SELECT FROM empty_one"):
        found = look(database, backup_root)
    assert only(found, "prepared_transactions").severity == "error"
    assert "blocked by a prepared transaction" in only(found, "lock_waits").what
    database.sql(only(found, "prepared_transactions").remedy.partition(": ")[2].partition(" (or")[0])
    assert of(look(database, backup_root), "prepared_transactions") == []


@pytest.mark.every_server
@pytest.mark.fault(11)
@pytest.mark.fault(12)
def test_what_the_role_may_not_read_and_what_is_hidden_from_it_is_told(
    database: Database, backup_root: Path, role: Roles
) -> None:
    name = role(f"{database.name}_reader", "CREATEDB IN ROLE pg_read_all_data")
    reader = as_role(database, name)
    quiet = look(database, backup_root, reader)
    assert [of(quiet, check) for check in ("table_privileges", "row_level_security")] == [[], []]
    database.sql(
        "ALTER TABLE customers ENABLE ROW LEVEL SECURITY;"
        "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO public; SELECT lo_create(4712)"
    )
    hidden = look(database, backup_root, reader)
    assert only(hidden, "row_level_security").what.endswith("in public.customers.")
    assert "may not read 1 large objects" in only(hidden, "table_privileges").what
    database.admin(only(hidden, "row_level_security").remedy.partition(", or")[0])
    assert of(look(database, backup_root, reader), "row_level_security") == []
    database.admin(f"REVOKE pg_read_all_data FROM {name}")
    shut = look(database, backup_root, reader)
    assert {"public.orders", "public.customers_id_seq", '"Odd Schema"."Odd ""T"" x"'} <= set(shut.facts.unreadable)
    assert {"table_privileges", "privileges"} <= set(named(shut, "error"))
    mine = look(database, backup_root)
    assert [of(mine, check) for check in ("table_privileges", "row_level_security")] == [[], []]
    database.admin(f"ALTER ROLE {name} NOBYPASSRLS")
    database.sql(f"ALTER TABLE customers OWNER TO {name}")
    assert of(look(database, backup_root, reader), "row_level_security") == []
    database.sql("ALTER TABLE customers FORCE ROW LEVEL SECURITY")
    forced = only(look(database, backup_root, reader), "row_level_security")
    database.sql(forced.remedy.partition("from the owner, too: ")[2])
    assert of(look(database, backup_root, reader), "row_level_security") == []
    database.sql("ALTER TABLE customers OWNER TO postgres")


@pytest.mark.every_major
def test_what_a_dump_leaves_out_without_a_word_is_told(database: Database, backup_root: Path, role: Roles) -> None:
    reader = as_role(database, role(f"{database.name}_reader", "IN ROLE pg_read_all_data"))
    assert of(look(database, backup_root, reader), "left_out") == []
    database.sql(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;"
        "CREATE USER MAPPING FOR postgres SERVER far OPTIONS (password 'secret')"
    )
    found = look(database, backup_root, reader)
    problem = only(found, "left_out")
    assert (problem.severity, "user mapping of postgres for the server far" in problem.what) == ("error", True)
    assert "secret" not in str(found)
    assert of(look(database, backup_root), "left_out") == []


# An alias of an extension's function, as people make one that is IMMUTABLE, is dumped and restored as any other.
NO_DUMP_RESTORES = """
CREATE FUNCTION pg_catalog.mine(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE TYPE pg_catalog.mood AS ENUM ('sad', 'glad');
ALTER TEXT SEARCH CONFIGURATION pg_catalog.english ALTER MAPPING FOR word WITH simple;
CREATE FUNCTION compared(integer, text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
ALTER OPERATOR FAMILY pg_catalog.integer_ops USING btree ADD FUNCTION 1 (integer, text) compared(integer, text);
CREATE LANGUAGE plx HANDLER plpgsql_call_handler;
CREATE EXTENSION hstore;
CREATE FUNCTION alias(text, text) RETURNS hstore IMMUTABLE LANGUAGE c AS '$libdir/hstore', 'hstore_from_text';
ALTER EXTENSION hstore DROP FUNCTION hstore(text, text);
"""


@pytest.mark.every_major
def test_what_no_dump_carries_and_what_no_server_takes_back_is_told_with_the_way_out(
    database: Database, backup_root: Path
) -> None:
    quiet = look(database, backup_root)
    assert [of(quiet, check) for check in ("not_dumped", "unrestorable")] == [[], []]
    database.sql(NO_DUMP_RESTORES)
    found = look(database, backup_root)
    assert only(found, "not_dumped").severity == "error"
    assert found.facts.not_dumped == (
        "function of access method function 1 (integer, pg_catalog.text) of pg_catalog.integer_ops USING btree",
        "function pg_catalog.mine(integer)",
        "type pg_catalog.mood",
        "text search configuration english",
    )
    language, function = of(found, "unrestorable")
    assert "The language plx calls plpgsql_call_handler()" in language.what
    assert function.remedy == 'ALTER EXTENSION "hstore" ADD FUNCTION public.hstore(text,text)'
    database.sql(f"{function.remedy}; DROP LANGUAGE plx")
    assert of(look(database, backup_root), "unrestorable") == []
    waived = look(database, backup_root, waived={"not_dumped": "they are made by every deployment"})
    assert only(waived, "not_dumped").severity == "warning"


@pytest.mark.every_server
def test_what_follows_the_database_and_what_the_server_says_of_itself_is_told(
    database: Database, backup_root: Path, role: Roles
) -> None:
    checks = ("publications", "track_counts", "invalid_databases", "managed_service")
    assert [of(look(database, backup_root), check) for check in checks] == [[], [], [], []]
    role("rds_superuser", "")
    database.sql("SET client_min_messages = error; CREATE PUBLICATION news FOR TABLE empty_one")
    database.admin(f"ALTER DATABASE {database.name} SET track_counts = off")
    database.admin(f"CREATE DATABASE {database.name}_broken")
    database.admin(f"{BY_FORCE} UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{database.name}_broken'")
    found = look(database, backup_root)
    assert [only(found, check).severity for check in checks] == ["warning", "error", "warning", "info"]
    assert "publishes news" in only(found, "publications").what
    assert "Amazon RDS" in only(found, "managed_service").what
    assert of(look(database, backup_root, fence="closed"), "track_counts") == []
    database.admin(only(found, "invalid_databases").remedy)
    database.admin(f"ALTER DATABASE {database.name} RESET track_counts")
    assert [of(look(database, backup_root), check) for check in checks[1:3]] == [[], []]


@pytest.mark.every_server
@pytest.mark.fault(53)
def test_what_a_restore_of_the_database_as_it_is_would_lack_is_told(
    database: Database, backup_root: Path, role: Roles
) -> None:
    name = role(f"{database.name}_gone", "")
    checks = ("roles", "extensions", "untested_extensions", "restorable")
    assert [of(look(database, backup_root), check) for check in checks] == [[], [], [], []]
    database.sql(f"GRANT SELECT ON customers TO {name}")
    assert of(look(database, backup_root), "roles") == []
    oid = database.admin(f"SELECT oid FROM pg_roles WHERE rolname = '{name}'")
    database.sql(
        f"{BY_FORCE} DELETE FROM pg_authid WHERE oid = {oid};"
        "UPDATE pg_extension SET extname = 'pg_cron', extversion = '99.1' WHERE extname = 'plpgsql'"
    )
    found = look(database, backup_root)
    database.admin(f"CREATE ROLE {name}")
    assert [only(found, check).severity for check in checks[:3]] == ["error"] * 3
    assert f"The role unknown (OID={oid}) of the database {database.name} does not exist" in only(found, "roles").what
    assert "pg_cron" in only(found, "extensions").what
    assert named(look(database, backup_root, scopes=["backup"]), "error") == []


@pytest.mark.every_major
@pytest.mark.fault(53)
def test_what_only_a_superuser_restores_and_what_reaches_other_servers_is_told(
    database: Database, backup_root: Path, role: Roles, tmp_path: Path
) -> None:
    weak = as_role(database, role(f"{database.name}_weak", "CREATEDB IN ROLE pg_read_all_data"))
    quiet = look(database, backup_root, weak)
    assert [problem.severity for problem in of(quiet, "restorable")] == ["error"], "it is no member of the owner"
    assert of(quiet, "foreign_access") == []
    database.sql(
        "CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION on_ddl();"
        "SET client_min_messages = error; CREATE PUBLICATION everything FOR ALL TABLES; CREATE EXTENSION dblink"
    )
    found = look(database, backup_root, weak)
    errors = [problem.what for problem in of(found, "restorable") if problem.severity == "error"]
    assert [word in what for word, what in zip(("watching", "everything", "dblink"), errors)] == [True] * 3
    assert only(found, "foreign_access").severity == "warning"
    assert of(look(database, backup_root), "restorable") == []


@pytest.mark.every_server
@pytest.mark.fault(53)
def test_a_tablespace_that_the_role_may_not_use_is_told(
    server: pgserver.Server, database: Database, backup_root: Path, role: Roles
) -> None:
    name = role(f"{database.name}_weak", "CREATEDB")
    place = server.data_dir.parent / f"space_{database.name}"
    place.mkdir()
    facts = server.data_dir.stat()
    os.chown(place, facts.st_uid, facts.st_gid)
    database.admin(f"CREATE TABLESPACE fast_{database.name} LOCATION '{place}'")
    database.sql(f"ALTER TABLE empty_one SET TABLESPACE fast_{database.name}")
    try:
        assert of(look(database, backup_root), "tablespaces") == []
        problem = only(look(database, backup_root, as_role(database, name)), "tablespaces")
        assert (problem.severity, problem.remedy.startswith("GRANT CREATE ON TABLESPACE")) == ("error", True)
        database.admin(problem.remedy)
        assert of(look(database, backup_root, as_role(database, name)), "tablespaces") == []
    finally:
        database.sql("ALTER TABLE empty_one SET TABLESPACE pg_default")
        database.admin(f"DROP TABLESPACE fast_{database.name}")


@pytest.fixture
def cramped(server: pgserver.Server) -> Iterator[Database]:
    """A server with room for few locks that, up to 16, throws old snapshots away."""
    settings = "max_connections = 12\nmax_prepared_transactions = 0\nmax_locks_per_transaction = 10\n"
    if server.installation.major < 17:
        settings += "old_snapshot_threshold = '1h'\n"
    with server_of_its_own(server, settings) as own:
        yield own


@pytest.mark.every_major
def test_a_server_that_has_no_room_for_locks_or_forgets_snapshots_is_told(cramped: Database, backup_root: Path) -> None:
    found = look(cramped, backup_root)
    assert (found.facts.lock_capacity, found.facts.lockable_tables, of(found, "lock_capacity")) == (120, 6, [])
    old = [problem.severity for problem in of(found, "old_snapshot_threshold")]
    assert old == (["error"] if cramped.server.installation.major < 17 else [])
    make = "DO $$ BEGIN FOR i IN {}..{} LOOP EXECUTE format('CREATE TABLE t%s ()', i); END LOOP; END $$"
    cramped.sql(make.format(1, 25))
    assert only(look(cramped, backup_root), "lock_capacity").severity == "warning"
    unfenced = only(look(cramped, backup_root, fence="closed"), "lock_capacity")
    assert (unfenced.severity, "max_locks_per_transaction" in unfenced.remedy) == ("error", True)
    for first in (26, 76):
        cramped.sql(make.format(first, first + 49))
    assert "pg_dump alone would not fit" in only(look(cramped, backup_root), "lock_capacity").what


def test_pages_that_the_server_has_met_damaged_are_told(server: pgserver.Server, backup_root: Path) -> None:
    with server_of_its_own(server, "") as own:
        quiet = look(own, backup_root)
        assert (quiet.facts.checksum_failures, of(quiet, "checksum_failures")) == (0, [])
        file = own.server.data_dir / own.sql("CHECKPOINT; SELECT pg_relation_filepath('customers')")
        own.server.stop()
        with file.open("r+b") as page:
            page.seek(4000)
            page.write(b"harm")
        own.server.start()
        with pytest.raises(pgserver.ServerError, match="invalid page"):
            own.sql("SELECT count(*) FROM customers")
        counted = "SELECT checksum_failures FROM pg_stat_database WHERE datname = 'app'"
        until(lambda: own.admin(counted) != "0", "the failure is counted")
        found = look(own, backup_root)
        assert only(found, "checksum_failures").severity == "error"
        told = [problem for problem in found.problems if "Could not sample public.customers" in problem.what]
        assert [(problem.check, problem.severity) for problem in told] == [("backup_disk", "warning")]


@pytest.mark.every_server
def test_a_role_that_may_only_read_gets_all_facts_and_is_told_what_it_cannot_see(
    database: Database, backup_root: Path, role: Roles
) -> None:
    reader = as_role(database, role(f"{database.name}_reader", "IN ROLE pg_read_all_data"))
    with database.holding("SELECT"):
        found = look(database, backup_root, reader)
    blind = {unseen.check for unseen in found.facts.not_seen}
    assert blind == {"data_disk", "wal_disk", "long_transactions", "scratch_access"}
    assert {problem.check for problem in found.problems if problem.severity == "warning"} >= blind - {"scratch_access"}
    assert set(named(found, "error")) == {"privileges", "restorable"}
    assert found.facts.backup_size.basis == "sample"
    stated = look(database, backup_root, reader, free_bytes=1 << 40)
    assert "data_disk" not in {unseen.check for unseen in stated.facts.not_seen}


@pytest.mark.every_server
@pytest.mark.fault(52)
def test_an_error_that_was_waived_is_a_warning_with_the_reason_and_no_other_is(
    database: Database, backup_root: Path
) -> None:
    database.sql("BEGIN; INSERT INTO empty_one VALUES (1); PREPARE TRANSACTION 'open'")
    waived = {"prepared_transactions": "it is the application's own, and quick"}
    found = look(database, backup_root, waived=waived, expected_tables=["nowhere"])
    assert [(problem.check, problem.waived) for problem in found.waived] == list(waived.items())
    assert [problem.check for problem in found.errors] == ["expected_tables"]
