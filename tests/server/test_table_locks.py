# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The locks that a file held at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import psql_file
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import (
    WRITING,
    environment_of_user,
    session,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import client_tools, table_locks
from ansible_collections.pgsafe.migration.tests.server.support import Database

SCHEMA = """
CREATE TABLE a (id int PRIMARY KEY, b int);
CREATE TABLE c (id int PRIMARY KEY, a int);
CREATE TABLE "D e" ();
CREATE TABLE p (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
CREATE VIEW v AS SELECT 1 AS x;
"""
ALONE, SHARING, WRITES = "ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE"
CASES: dict[str, list[tuple[str, str]]] = {
    "ALTER TABLE a ADD d int": [("public.a", ALONE)],
    "CREATE INDEX ON a (b)": [("public.a", WRITES)],
    "ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES a": [("public.a", SHARING), ("public.c", SHARING)],
    "CREATE INDEX ON a (b); ALTER TABLE a ADD d int": [("public.a", ALONE)],
    'DROP TABLE "D e"': [("public.D e", ALONE)],
    "ALTER TABLE c RENAME TO was_c": [("public.c", ALONE)],
    "ALTER TABLE p ADD d int": [("public.p", ALONE)],
    "TRUNCATE p_1": [("public.p", ALONE)],
    "REFRESH MATERIALIZED VIEW m": [("public.m", ALONE)],
    "LOCK TABLE c IN EXCLUSIVE MODE; ALTER TABLE a ADD d int": [("public.a", ALONE), ("public.c", "EXCLUSIVE")],
    "INSERT INTO a VALUES (1, 1); UPDATE a SET b = 2; DELETE FROM a; SELECT * FROM c FOR UPDATE": [],
    "CREATE TABLE made (x int); CREATE INDEX ON made (x); CREATE TEMP TABLE t (x int)": [],
    "DROP VIEW v; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'": [],
    "SAVEPOINT s; ALTER TABLE a ADD d int; ROLLBACK TO SAVEPOINT s": [],
    "ALTER TABLE a ADD d int; SET search_path = nowhere; \\x on\n\\pset format html\n": [("public.a", ALONE)],
    "ALTER TABLE a ADD d int; SELECT repeat('x', 1000) FROM generate_series(1, 200)": [("public.a", ALONE)],
}

Ran = Callable[..., "list[tuple[str, str]] | None"]


@pytest.fixture
def ran(database: Database, tmp_path: Path) -> Ran:
    """Run a text as a file in a fresh schema; its locks."""

    def run(text: str, transactional: bool = True) -> list[tuple[str, str]] | None:
        database.sql(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {SCHEMA}")
        (tmp_path / "it.sql").write_text(f"{text};\n")
        with session(database.target) as server:
            known, visible = table_locks.labels(server), table_locks.visible(server)
        asked = psql_file.FileRun.of("it.sql", transactional, "it.sql", visible)
        argv = asked.argv(client_tools.find(database.target, database.server.installation.major))
        env = environment_of_user(database.target, WRITING, "migration")
        done = commands.run(commands.Command(argv, env, str(tmp_path)))
        with session(database.target) as server:
            asked.require_effect(done, server)
        found = asked.locks(done, known)
        return None if found is None else [(lock.table, lock.mode) for lock in found]

    return run


@pytest.mark.every_server
def test_a_file_s_locks_for_which_others_wait_are_known_at_its_end(ran: Ran) -> None:
    found = {text: ran(text) for text in CASES}
    assert found == CASES


def test_wherever_the_kept_beginning_of_the_output_ends_the_locks_are_known(ran: Ran) -> None:
    """The first KiB is kept beside the end, and may break off inside the line of the locks."""
    for size in range(820, 1000, 12):
        text = f"ALTER TABLE a ADD d int; LOCK TABLE c, p;\n\\echo {'x' * size}\nSELECT 1"
        assert ran(text) == [("public.a", ALONE), ("public.c", ALONE), ("public.p", ALONE)], size


def test_outside_of_a_transaction_no_lock_is_known(ran: Ran) -> None:
    assert ran("ALTER TABLE a ADD d int", transactional=False) is None


def test_where_public_may_not_read_locks_a_file_is_applied_all_the_same(database: Database, ran: Ran) -> None:
    database.sql("CREATE ROLE nobody_special")
    try:
        for revoked in ("SELECT ON pg_locks", "EXECUTE ON FUNCTION pg_lock_status()"):
            database.sql(f"REVOKE {revoked} FROM PUBLIC")
            assert ran("ALTER TABLE a ADD d int; SET SESSION AUTHORIZATION nobody_special") is None
            database.sql(f"GRANT {revoked} TO PUBLIC")
        assert ran("ALTER TABLE a ADD d int; SET SESSION AUTHORIZATION nobody_special") == [("public.a", ALONE)]
    finally:
        database.sql("DROP ROLE nobody_special")


def test_of_more_locks_than_are_reported_the_file_takes_effect(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_locks, "MOST", 2)
    found = ran('LOCK TABLE a, c, p, "D e"')
    assert found is not None
    assert len(found) <= 2
