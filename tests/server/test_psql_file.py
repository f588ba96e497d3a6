# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""psql's exit status 0 is not a commit: what a file did is read from the server, whatever the file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, CommandFailed, NotCommitted
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import file_rules, psql_file
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import (
    WRITING,
    environment_of_user,
    session,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import client_tools
from ansible_collections.pgsafe.migration.tests.server import file_fuzz
from ansible_collections.pgsafe.migration.tests.server.support import Database

FAILURES = (NotCommitted, CommandFailed)

# Each would have been reported as applied, and its table is missing or was made outside the transaction.
LOST = {
    "rollback": "CREATE TABLE a ();\n  ROLLBACK;\n",
    "abort": "CREATE TABLE a ();\nABORT;\n",
    "end": "CREATE TABLE a ();\nEND;\n",
    "commit and chain": "CREATE TABLE a ();\nCOMMIT AND CHAIN;\nCREATE TABLE b ();\n",
    "rollback and chain": "CREATE TABLE a ();\nROLLBACK AND CHAIN;\n",
    "two on a line": "CREATE TABLE a (); ROLLBACK; BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE b ();\n",
    "one message": "CREATE TABLE a () \\; ROLLBACK \\; BEGIN;\nCREATE TABLE b ();\n",
    "prepared": "CREATE TABLE a ();\nPREPARE TRANSACTION 'left';\n",
    "made by a query": "CREATE TABLE a ();\nSELECT 'ROLLBACK' \\gexec\n",
    "error passed over": "\\set ON_ERROR_STOP off\nCREATE TABLE a ();\nSELECT 1 / 0;\n",
    "switched by a query": "SELECT 'off' AS \"ON_ERROR_STOP\" \\gset\nCREATE TABLE a ();\nSELECT 1 / 0;\n",
    "savepoints": "\\set ON_ERROR_STOP off\n\\set ON_ERROR_ROLLBACK on\nSELECT 1 / 0;\n\\set ON_ERROR_STOP on\n",
    "unset": "\\unset ON_ERROR_STOP\nSELECT 1 / 0;\n",
    "left out of a branch": "\\set ON_ERROR_STOP off\n\\if true\nCREATE TABLE a ();\nROLLBACK;\n\\endif\n",
    "missing include": "\\set ON_ERROR_STOP off\n\\i missing.sql\n\\set ON_ERROR_STOP on\nCREATE TABLE a ();\n",
    "deferred": "\\set ON_ERROR_STOP off\nCREATE TABLE p (a int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n"
    "INSERT INTO p VALUES (1), (1);\n",
    "connected": "\\c\nCREATE TABLE a ();\n",
    "connected elsewhere": "\\c postgres\nDROP TABLE IF EXISTS elsewhere;\n",
    "restricted": "\\restrict key\nCREATE TABLE a ();\n",
    "forged": "ROLLBACK;\n\\echo 00000000000000000000000000000000 ended 1 1 t\n",
}

LOST_WITHOUT_A_TRANSACTION = {
    "begun": "BEGIN;\nCREATE TABLE a ();\n",
    "begun to read": "BEGIN;\nSELECT 1;\n",
    "autocommit": "\\set AUTOCOMMIT off\nCREATE TABLE a ();\n",
    "committed and begun": "BEGIN;\nCREATE TABLE a ();\nCOMMIT AND CHAIN;\nCREATE TABLE b ();\n",
    "error passed over": "\\set ON_ERROR_STOP off\nSELECT 1 / 0;\n\\set ON_ERROR_STOP on\nCREATE TABLE a ();\n",
    "connected": "\\connect postgres\n",
}

GOOD = {
    "plain": "CREATE TABLE a ();\n",
    "savepoints of its own": "SAVEPOINT s;\nCREATE TABLE b ();\nROLLBACK TO SAVEPOINT s;\nCREATE TABLE a ();\n",
    "output elsewhere": "\\o /dev/null\nSELECT 1;\nCREATE TABLE a ();\n",
    "much output": "SELECT repeat('x', 1000) FROM generate_series(1, 200);\nCREATE TABLE a ();\n",
    "other formats": "\\timing on\n\\x on\n\\pset format html\n\\set QUIET off\n\\set ECHO all\nCREATE TABLE a ();\n",
    "settings": "CREATE TABLE a ();\nSET search_path = nowhere;\nSET client_encoding = LATIN1;\n",
    "another role": "CREATE TABLE a ();\nCREATE ROLE one_more;\nSET SESSION AUTHORIZATION one_more;\n",
    "replica": "CREATE TABLE a ();\nSET session_replication_role = replica;\nRESET ALL;\n",
    "read-only": "CREATE TABLE a ();\nSET TRANSACTION READ ONLY;\n",
    "caught": "DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $$;\nCREATE TABLE a ();\n",
    "a procedure's body": "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN\nCOMMIT;\nEND $$;\nCREATE TABLE a ();\n",
    "a routine's body": "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\nSELECT 1;\nEND;\nCREATE TABLE a ();\n",
    "a dump": "\\restrict key\nCREATE TABLE a ();\n\\unrestrict key\n",
    "rows": "CREATE TABLE a (b text);\nCOPY a FROM stdin;\n\\\\connect x\nROLLBACK;\n\\.\n",
    "errors stop": "\\set ON_ERROR_STOP on\n\\set ON_ERROR_STOP 1\nCREATE TABLE a ();\n",
}

Apply = Callable[[str, bool], None]


def _took_effect(apply: Apply, text: str, transactional: bool) -> bool:
    try:
        apply(text, transactional)
    except FAILURES:
        return False
    return True


@pytest.fixture
def apply(database: Database, tmp_path: Path) -> Apply:
    """Run a text as a file, without the look that a migration set gets beforehand."""

    def applied(text: str, transactional: bool) -> None:
        (tmp_path / "it.sql").write_text(text)
        asked = psql_file.FileRun.of("it.sql", transactional, "it.sql", locks_visible=True)
        argv = asked.argv(client_tools.find(database.target, database.server.installation.major))
        env = environment_of_user(database.target, WRITING, "migration")
        done = commands.run(commands.Command(argv, env, str(tmp_path)))
        with session(database.target) as server:
            asked.require_effect(done, server)

    return applied


def test_a_file_that_is_lost_is_never_taken_for_applied(database: Database, apply: Apply) -> None:
    for case, text in LOST.items():
        assert not _took_effect(apply, text, True), case
        database.sql("DROP TABLE IF EXISTS a, b, p")
        if case == "prepared":
            database.sql("ROLLBACK PREPARED 'left'")


def test_a_file_without_a_transaction_leaves_none_open(database: Database, apply: Apply) -> None:
    for case, text in LOST_WITHOUT_A_TRANSACTION.items():
        assert not _took_effect(apply, text, False), case
        database.sql("DROP TABLE IF EXISTS a, b")


@pytest.mark.every_server
def test_what_a_file_sets_or_prints_does_not_fail_it(database: Database, apply: Apply) -> None:
    for case, text in GOOD.items():
        try:
            apply(text, True)
        except FAILURES as error:
            pytest.fail(f"{case}: {error}")
        assert database.sql("SELECT to_regclass('public.a') IS NOT NULL") == "t", case
        database.sql("DROP TABLE a; DROP ROLE IF EXISTS one_more; DROP ROUTINE IF EXISTS p, f")
    apply("BEGIN;\nCREATE TABLE a ();\nCOMMIT;\nCREATE INDEX CONCURRENTLY ON a ((1));\nVACUUM;\n", False)


def test_wherever_the_kept_beginning_of_its_output_ends_a_file_takes_effect(database: Database, apply: Apply) -> None:
    """The first KiB is kept beside the end, and may break off inside a line of ours."""
    for size in range(700, 1020, 12):
        apply(f"CREATE TABLE a ();\n\\echo {'x' * size}\n", True)
        database.sql("DROP TABLE a")


def test_the_failure_names_what_the_file_did(apply: Apply) -> None:
    for text, transactional, why in [
        ("ROLLBACK;\n", True, "ended the transaction"),
        ("\\c\n", True, "switched to another connection"),
        ("\\set ON_ERROR_STOP off\nSELECT 1 / 0;\n", False, "division by zero"),
        ("\\set ON_ERROR_STOP off\n", False, "how psql treats errors"),
        ("BEGIN;\n", False, "left a transaction open"),
    ]:
        with pytest.raises(NotCommitted, match=why):
            apply(text, transactional)


def test_everything_that_only_a_run_shows_is_what_the_look_beforehand_may_miss(tmp_path: Path) -> None:
    """The good ones pass the look as well; it refuses nothing that PostgreSQL would run as it is meant."""
    for case, text in GOOD.items():
        (tmp_path / "it.sql").write_text(text)
        try:
            file_rules.check(tmp_path, "it.sql", text, True, {"it.sql"})
        except BadRequest as error:
            pytest.fail(f"{case}: {error}")


def test_a_change_of_directory_is_refused_since_psql_then_includes_another_file(
    database: Database, apply: Apply, tmp_path: Path
) -> None:
    (tmp_path / "part.inc").write_text("SELECT 1;\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "part.inc").write_text("CREATE TABLE a ();\n")
    text = "\\cd other\n\\i part.inc\n"
    apply(text, True)
    assert database.sql("SELECT to_regclass('public.a') IS NOT NULL") == "t"
    with pytest.raises(BadRequest, match=r"it\.sql:1: \\cd changes what the file names after it refer to"):
        file_rules.check(tmp_path, "it.sql", text, True, {"it.sql", "part.inc"})


def test_what_is_said_of_random_files_is_what_the_database_holds(database: Database, tmp_path: Path) -> None:
    counted, wrong = file_fuzz.run(database, tmp_path, 20261128, 100)
    assert not wrong, "\n".join(wrong)
    assert set(counted) == {"applied", "refused", "failed (CommandFailed)", "failed (NotCommitted)"}
