# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who gets in where: pg_hba.conf and the pgpass file by database, the maintenance database, and poolers in the way."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import ConnectionFailed, Interrupted
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import access_probe
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, as_role, new_roles, tools_with
from ansible_collections.pgsafe.migration.tests.server.pooler import pooled
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.support import Database, databases, until

import pgserver

pytestmark = pytest.mark.every_server


@pytest.fixture
def role(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


def test_every_tool_gets_in_where_all_are_let_in_and_no_database_is_left(database: Database, backup_root: Path) -> None:
    before = databases(database.server)
    found = look(database, backup_root, probe=True)
    assert (found.facts.access_problems, [problem.check for problem in found.problems]) == ((), [])
    assert databases(database.server) == before


def test_without_the_probe_nothing_is_made_and_that_is_told(database: Database, backup_root: Path) -> None:
    made = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'template0'"
    before = database.admin(made)
    found = look(database, backup_root)
    assert database.admin(made) == before
    assert [(problem.check, problem.severity) for problem in found.problems] == [("scratch_access", "info")]
    assert found.errors == ()


@contextmanager
def let_in(server: pgserver.Server, role: str, *names: str) -> Iterator[None]:
    """For the time of the block pg_hba.conf lets a role into these databases alone."""
    path = server.data_dir / "pg_hba.conf"
    kept = path.read_text()
    path.write_text(f"local {','.join(names)} {role} trust\nlocal all {role} reject\n{kept}")
    server.psql("SELECT pg_reload_conf()")
    rules = f"SELECT count(*) FROM pg_hba_file_rules WHERE '{role}' = ANY (user_name)"
    until(lambda: server.psql(rules) == "2", "the rules are read")
    try:
        yield
    finally:
        path.write_text(kept)
        server.psql("SELECT pg_reload_conf()")


def test_a_database_of_a_name_that_pg_hba_conf_does_not_let_in_is_told_for_every_tool(
    database: Database, backup_root: Path, role: Roles
) -> None:
    name = role(f"{database.name}_dba", "SUPERUSER")
    before = databases(database.server)
    with let_in(database.server, name, database.name, "postgres"):
        found = look(database, backup_root, as_role(database, name), probe=True)
    told = of(found, "scratch_access")
    assert [problem.severity for problem in told] == ["error"] * 3
    tools = ("psycopg2", "psql", "pg_dump or pg_restore")
    assert [problem.what.startswith(tool) for tool, problem in zip(tools, told)] == [True] * 3
    assert all(f"{database.name}__scratch_" in problem.what for problem in told)
    assert databases(database.server) == before


def test_a_maintenance_database_that_lets_nobody_in_is_one_problem_among_the_others(
    database: Database, backup_root: Path, role: Roles
) -> None:
    name = role(f"{database.name}_dba", "SUPERUSER")
    with let_in(database.server, name, database.name):
        found = look(database, backup_root, as_role(database, name), expected_tables=["nowhere"])
    assert only(found, "scratch_access").what.startswith("The maintenance database refuses connections")
    assert [problem.check for problem in found.errors] == ["expected_tables", "scratch_access"]


@pytest.mark.fault(23)
def test_a_pgpass_file_without_a_line_for_the_scratch_name_is_told_without_its_password(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    target = database.over_tcp("")
    passfile = tmp_path / "pgpass"
    lines = [f"127.0.0.1:*:{name}:*:{database.server.password}\n" for name in (database.name, "postgres")]
    passfile.write_text("".join(lines))
    passfile.chmod(0o600)
    params = {key: value for key, value in target.params.items() if key != "password"}
    by_file = replace(target, params={**params, "passfile": str(passfile)})
    told = of(look(database, backup_root, by_file, probe=True), "scratch_access")
    assert ["no password supplied" in problem.what for problem in told] == [True] * 3
    assert database.server.password not in str(told)
    with passfile.open("a") as more:
        more.write(f"127.0.0.1:*:*:*:{database.server.password}\n")
    assert of(look(database, backup_root, by_file, probe=True), "scratch_access") == []


def test_a_tool_that_fails_there_is_named(database: Database, backup_root: Path, tmp_path: Path) -> None:
    real = Path(str(database.target.bin_dir))
    psql = "#!/bin/sh\necho 'library not found' >&2; exit 127\n"
    broken = replace(database.target, bin_dir=str(tools_with(tmp_path / "tools", real, "psql", psql)))
    problem = only(look(database, backup_root, broken, probe=True), "scratch_access")
    assert problem.what.startswith("psql to the database")
    assert "library not found" in problem.what


def test_a_role_that_may_make_no_database_tries_none_and_says_so(
    database: Database, backup_root: Path, role: Roles
) -> None:
    weak = as_role(database, role(f"{database.name}_weak", ""))
    found = look(database, backup_root, weak, probe=True)
    assert of(found, "scratch_access") == []
    assert "scratch_access" in [unseen.check for unseen in found.facts.not_seen]


def test_a_signal_while_the_database_of_the_probe_is_made_leaves_none(database: Database) -> None:
    before = databases(database.server)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE query ^@ 'CREATE DATABASE' AND wait_event_type = 'Lock'"
    with database.connect("holder") as holder, holder.cursor() as cursor, ThreadPoolExecutor(1) as beside:
        cursor.execute("LOCK TABLE pg_database IN SHARE MODE")

        def interrupt() -> None:
            until(lambda: database.admin(waits) == "1", "the database is being made")
            os.kill(os.getpid(), signal.SIGTERM)
            holder.rollback()

        done = beside.submit(interrupt)
        with pytest.raises(Interrupted, match=r"The preflight was interrupted by SIGTERM\."):
            access_probe.problems(database.target, None)
        done.result()
    assert databases(database.server) == before


def test_what_a_killed_preflight_has_left_is_told_with_the_statement_that_drops_it(
    database: Database, backup_root: Path
) -> None:
    left = f"{database.name}__scratch_20260101_000000"
    database.admin(f"CREATE DATABASE {left}")
    assert of(look(database, backup_root), "invalid_databases") == []
    database.admin(f"COMMENT ON DATABASE {left} IS '{access_probe.MARK}'")
    problem = only(look(database, backup_root), "invalid_databases")
    assert problem.severity == "info"
    database.admin(problem.remedy)
    assert of(look(database, backup_root), "invalid_databases") == []


@pytest.mark.parametrize(("transactions", "severity"), [(True, "error"), (False, "warning")])
def test_a_pooler_is_told_by_how_it_pools(
    database: Database, backup_root: Path, transactions: bool, severity: str
) -> None:
    assert look(database, backup_root).facts.pooler == "none"
    with (
        tempfile.TemporaryDirectory(prefix="pgs") as place,
        pooled(database, Path(place), transactions) as params,
    ):
        found = look(database, backup_root, replace(database.target, params=params), probe=transactions)
    assert found.facts.pooler == ("transaction" if transactions else "session")
    assert only(found, "poolers").severity == severity


def test_a_pooler_that_drops_our_settings_is_refused_and_keeps_none_of_them(
    database: Database, backup_root: Path
) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="pgs") as place,
        pooled(database, Path(place), transactions=True, ignoring=True) as params,
    ):
        with pytest.raises(ConnectionFailed, match="did not take the settings that were sent at connect") as caught:
            look(database, backup_root, replace(database.target, params=params))
        dsn = psycopg2.extensions.make_dsn(dbname=database.name, **params)
        with closing(psycopg2.connect(dsn)) as next_one, next_one.cursor() as cursor:
            cursor.execute("SHOW search_path")
            assert cursor.fetchone() == ('"$user", public',)
    assert "Connect to the server itself" in caught.value.remedy
