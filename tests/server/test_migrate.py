# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrate on a server: what it refuses, what it applies, and that a failure leaves the database as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import losses
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed, NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import file_rules
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import expectations
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, only
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    back_up,
    events,
    failed,
    ours,
    proven,
    request,
    rolled_back,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

Edit = Callable[[migrate.MigrateRequest], migrate.MigrateRequest]


@pytest.mark.fault(15)
def test_a_database_without_the_tables_that_were_named_is_told_before_anything_is_done(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    wrong = clone("template0")
    source = SetSource(source=write_set(tmp_path / "set", GOOD))
    wanted = Wanted(expectations.typed({"customers": "grows"}))
    assert migrate.plan(database.target, source, wanted).pending
    with pytest.raises(BadRequest, match="tables that do not exist: customers"):
        migrate.plan(wrong.target, source, wanted)


@pytest.mark.every_major
def test_a_good_set_is_applied_verified_and_recorded(database: Database, backup_root: Path, tmp_path: Path) -> None:
    taken = proven(database, backup_root)
    source = SetSource(write_set(tmp_path / "set", GOOD))
    outcome = migrate.run(request(database, taken, tmp_path / "set"))
    assert outcome.verdict == "migrated"
    assert outcome.applied == tuple(GOOD)
    assert database.sql("SELECT count(*) FROM customers WHERE grade = 2") == "30"
    assert not migrate.plan(database.target, source).pending
    assert events(taken.directory)[-1] == "migrated"
    assert "PASSED" in (taken.directory / manifest.VERIFICATION_REPORT).read_text()


@pytest.mark.every_major
def test_a_broken_set_is_rolled_back_and_the_failed_database_kept(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root)
    failure = rolled_back(request(database, taken, write_set(tmp_path / "set", BROKEN)), database)
    assert "division by zero" in failure.what
    assert failure.outcome.applied == tuple(GOOD)
    (kept,) = ours(database.server, database.name)
    closed = database.admin(
        f"SELECT datallowconn, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{kept}'"
    )
    assert closed.startswith("f|pgsafe: replaced by the rollback of the run")
    database.admin(f'ALTER DATABASE "{kept}" ALLOW_CONNECTIONS true')
    assert database.called(kept).sql("SELECT count(*) FROM customers WHERE grade = 2") == "30"


# A stale view, columns that move, a partition with a foreign key of its own name, an enum that is hashed.
LOSING = """
CREATE MATERIALIZED VIEW counted AS SELECT id FROM customers; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW named AS SELECT max(name) FROM customers;
INSERT INTO customers (name) VALUES ('zzz, one more');
CREATE TABLE parent (a integer); CREATE TABLE child (b integer, a integer); ALTER TABLE child INHERIT parent;
CREATE TABLE straight (b integer) INHERITS (parent);
CREATE TABLE keyed (a integer PRIMARY KEY); CREATE TABLE split (a integer REFERENCES keyed) PARTITION BY LIST (a);
CREATE TABLE part (a integer CONSTRAINT its_own REFERENCES keyed); ALTER TABLE split ATTACH PARTITION part DEFAULT;
CREATE TABLE follows PARTITION OF split FOR VALUES IN (1);
CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE moods (m mood) PARTITION BY HASH (m);
CREATE TABLE moods0 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE moods1 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO moods VALUES ('sad'), ('glad')
"""
FORETOLD = {
    "inheriting tables get their columns in another order": ("public.child",),
    "materialized views are filled anew": ("public.counted", "public.kept", "public.named"),
    "foreign keys of partitions get the names of those of the partitioned table": ("public.part.its_own",),
    "rows move between the partitions of tables that are hashed by an enum": ("public.moods",),
}
LOST = (
    "materialized view public.counted: 61 rows instead of 60 rows",
    "materialized view public.named: other content in its 1 rows",
    "inherited column order public.child is other than before: columns is a, b instead of b, a",
    "foreign keys of partitions get the names of those of the partitioned table: public.part.its_own",
    "rows move between the partitions of tables that are hashed by an enum: public.moods",
)


@pytest.mark.every_major
def test_what_a_rollback_does_not_give_back_is_said_by_preflight_proof_and_rollback(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(LOSING)
    found = look(database, backup_root)
    assert (only(found, "inherited_columns").severity, only(found, "not_given_back").severity) == ("error", "info")
    waived = look(database, backup_root, waived={"inherited_columns": "all statements name their columns"})
    assert only(waived, "inherited_columns").severity == "warning"
    taken = back_up(database, backup_root)
    assert taken.manifest.losses == FORETOLD
    foretold = losses.lines(FORETOLD)
    assert found.facts.reordered_tables == ("public.child",)
    assert found.facts.not_given_back == tuple(line for line in foretold if "public.child" not in line)
    low = verify.run(requests.verify(database.target, taken.directory, level="decode"))
    assert low.not_given_back == foretold
    assert verify.run(requests.verify(database.target, taken.directory)).not_given_back == LOST
    assert restore.plan(requests.restore(database.target, taken.directory)).not_given_back == LOST
    failure = rolled_back(request(database, taken, write_set(tmp_path / "set", BROKEN)), database)
    assert failure.outcome.rollback
    assert failure.outcome.rollback.not_given_back == LOST
    assert [f"Not as it was before: {line}" for line in LOST] == list(failure.outcome.warnings[: len(LOST)])
    assert f"is as it was before, except: {LOST[0]}, " in failure.state
    assert database.sql("SELECT conname FROM pg_constraint WHERE conrelid = 'part'::regclass") == "split_a_fkey"


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "middle", "last"])
def test_an_error_in_any_file_ends_in_the_database_as_it_was(
    database: Database, backup_root: Path, tmp_path: Path, position: int
) -> None:
    names = sorted(GOOD)
    files = {**GOOD, names[position]: "CREATE TABLE half (a int);\nSELECT no_such_function();\n"}
    before = database.fingerprint()
    failure = failed(request(database, proven(database, backup_root), write_set(tmp_path / "set", files)))
    assert failure.outcome.applied == tuple(names[:position])
    assert failure.outcome.verdict == ("rolled_back" if position else "failed_unchanged")
    assert database.fingerprint() == before


def test_a_file_without_a_transaction_that_fails_is_rolled_back_too(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    files = {
        "1.sql": "-- pgsafe: no-transaction\nDELETE FROM customers WHERE id > 500;\nDROP VIEW best_customers;\nX;\n"
    }
    rolled_back(request(database, proven(database, backup_root), write_set(tmp_path / "set", files)), database)


def test_a_lock_timeout_in_a_transactional_file_restores_nothing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql("CREATE EXTENSION dblink")
    before, taken = database.fingerprint(), proven(database, backup_root)
    way = f"host={database.server.socket_dir} port={database.server.port} user=postgres dbname={database.name}"
    lock = "BEGIN; LOCK TABLE customers IN ROW SHARE MODE"
    holder = f"SELECT dblink_connect('holder', '{way}');\nSELECT dblink_exec('holder', '{lock}');\n"
    files = {**GOOD, "001_add.sql": holder + GOOD["001_add.sql"]}
    failure = failed(request(database, taken, write_set(tmp_path / "set", files), lock_timeout=1))
    assert failure.outcome.verdict == "failed_unchanged"
    assert "lock timeout" in failure.what
    assert str(failure).endswith("Nothing was changed.")
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == set()
    assert events(taken.directory)[-1] == "failed_unchanged"


def test_a_file_that_was_applied_is_not_applied_again_without_a_reason(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    root = write_set(tmp_path / "set", GOOD)
    migrate.run(request(database, proven(database, backup_root), root))
    assert not migrate.plan(database.target, SetSource(root)).pending
    before = database.fingerprint()
    write_set(root, {"004_new.sql": "UPDATE customers SET grade = grade + 1;\n"})
    for changed, told in [
        ({}, "001_add.sql was applied by the run"),
        ({"002_fill.sql": "UPDATE customers SET grade = 3;\n"}, "002_fill.sql has changed since the run"),
        ({"009_again.sql": GOOD["001_add.sql"]}, "009_again.sql was applied as 001_add.sql by the run"),
    ]:
        write_set(root, changed)
        for source in (SetSource(root), SetSource(root, files=tuple(changed))) if changed else (SetSource(root),):
            with pytest.raises(Refused, match=told):
                migrate.plan(database.target, source)
    taken = proven(database, backup_root)
    _require_refused(database, request(database, taken, root), "Refusing to apply files twice")
    assert database.fingerprint() == before
    assert "closing" not in events(taken.directory)
    only_new = replace(request(database, taken, root), source=SetSource(root, files=("004_new.sql",)))
    assert migrate.run(only_new).applied == ("004_new.sql",)
    assert not migrate.plan(database.target, SetSource(root, files=("004_new.sql",))).pending
    again = {"002_fill.sql": "the first run used the wrong grade"}
    source = SetSource(root, files=("002_fill.sql",))
    assert migrate.plan(database.target, source, apply_again=again).pending
    for wrong in ({"002_fill.sql": " "}, {"no.sql": "why"}):
        with pytest.raises(BadRequest, match="pg_migrate_apply_again"):
            migrate.plan(database.target, source, apply_again=wrong)


def test_what_a_file_leaves_in_its_session_fails_neither_the_next_one_nor_the_record(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.admin("CREATE ROLE guest")
    database.sql(
        "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no schemas here'; END $$;"
        "CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION forbid()"
    )
    state = "SET search_path = nowhere;\nSET session_replication_role = replica;\n\\set name value\n"
    files = {
        "1.sql": f"ALTER TABLE customers ADD grade int;\n{state}SET SESSION AUTHORIZATION guest;\n",
        "2.sql": f"UPDATE customers SET grade = 1;\n{state}SET ROLE guest;\n",
    }
    source = write_set(tmp_path / "set", files)
    assert migrate.run(request(database, proven(database, backup_root), source)).verdict == "migrated"
    assert not migrate.plan(database.target, SetSource(source)).pending
    database.admin("DROP ROLE guest")


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("UPDATE customers SET name = 'x';\nSELECT 'ROLLBACK' \\gexec\n", "ended the transaction"),
        ("-- pgsafe: no-transaction\nBEGIN;\nDELETE FROM orders;\n", "left a transaction open"),
        (
            "-- pgsafe: no-transaction\nBEGIN; DELETE FROM orders; PREPARE TRANSACTION 'left';\n",
            "left a prepared transaction",
        ),
    ],
    ids=["rolled back", "left open", "prepared"],
)
def test_a_file_that_psql_ended_well_and_that_was_lost_is_a_failed_migration(
    database: Database, backup_root: Path, tmp_path: Path, first: str, told: str
) -> None:
    before = database.fingerprint()
    source = write_set(tmp_path / "set", {"1.sql": first, "2.sql": "CREATE TABLE later ();\n"})
    failure = failed(request(database, proven(database, backup_root), source))
    assert told in str(failure)
    assert failure.outcome.applied == ()
    assert database.fingerprint() == before


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "There is no SQL file in"),
        ({"1.sql": ""}, "is empty"),
        ({"1.sql": "\ufeff \n"}, "is empty"),
        ({"1.sql": b"SELECT '\xff';"}, "is not UTF-8 text (byte 8)"),
        ({"1.sql": "\\! touch /tmp/never\n"}, "leaves the database that was backed up"),
        ({"1.sql": "\\connect postgres\nSELECT 1;\n"}, "leaves the database that was backed up"),
        ({"1.sql": "SELECT 1; \\c postgres\nSELECT 1;\n"}, "leaves the database that was backed up"),
        ({"1.sql": "BEGIN;\nSELECT 1;\nCOMMIT;\n"}, "each file is run in one transaction"),
        ({"1.sql": "CREATE INDEX CONCURRENTLY i ON customers (name);\n"}, file_rules.NO_TRANSACTION),
    ],
    ids=["none", "empty", "bom alone", "latin1", "shell", "connect", "connect in a line", "own transaction", "index"],
)
def test_a_file_that_cannot_be_run_safely_is_refused(
    database: Database, tmp_path: Path, files: dict[str, str | bytes], told: str
) -> None:
    with pytest.raises((BadRequest, FileFailed)) as caught:
        migrate.plan(database.target, SetSource(write_set(tmp_path / "set", files)))
    assert told in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


@pytest.mark.parametrize("files", [("no.sql",), ("../outside.sql",)], ids=["missing", "outside"])
def test_a_file_that_is_not_in_the_set_is_refused(database: Database, tmp_path: Path, files: tuple[str, ...]) -> None:
    write_set(tmp_path, {"outside.sql": "SELECT 1;\n"})
    source = SetSource(write_set(tmp_path / "set", GOOD), files=files)
    with pytest.raises(BadRequest):
        migrate.plan(database.target, source)


def test_a_backslash_in_a_string_or_a_comment_is_no_command(database: Database, tmp_path: Path) -> None:
    text = "-- \\c\n/* \\! */ SELECT 'a\\c', E'it\\'s \\c', \"b\\c\", $$ \\c $$, $x$ '\\! $x$;\n"
    assert migrate.plan(database.target, SetSource(write_set(tmp_path / "set", {"1.sql": text}))).pending


def test_a_file_with_a_byte_order_mark_is_applied(database: Database, backup_root: Path, tmp_path: Path) -> None:
    files = {"1.sql": "\ufeff-- pgsafe: no-transaction\nCREATE INDEX CONCURRENTLY i ON customers (name);\n"}
    outcome = migrate.run(request(database, proven(database, backup_root), write_set(tmp_path / "set", files)))
    assert outcome.verdict == "migrated"


def test_other_sessions_are_ended_before_the_first_file(database: Database, backup_root: Path, tmp_path: Path) -> None:
    taken = proven(database, backup_root)
    with database.holding("SELECT count(*) FROM customers"):
        outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert outcome.sessions_ended == 1


def test_a_command_gets_the_connection_and_no_argument_with_a_password(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root)
    write_set(tmp_path, {"it.sql": "ALTER TABLE customers ADD grade int;\n"})
    source = SetSource(command=(str(database.server.bin_dir / "psql"), "-X", "-f", "it.sql"), chdir=str(tmp_path))
    over_tcp = database.over_tcp(database.server.password)
    wanted = request(database, taken, tmp_path, target=over_tcp, chdir=str(tmp_path))
    assert migrate.run(replace(wanted, source=source)).verdict == "migrated"
    assert not migrate.plan(database.target, source).pending


# What is refused, one by one; none of these may arm the run.


def _other_run(wanted: migrate.MigrateRequest) -> migrate.MigrateRequest:
    return replace(wanted, run_id="20200101_000000")


REFUSALS: dict[str, tuple[Edit, str]] = {
    "no backup": (lambda wanted: replace(wanted, backup_dir=Path()), "no backup is named"),
    "another run": (_other_run, "not of 20200101_000000"),
    "not confirmed": (lambda wanted: replace(wanted, confirmed_database=""), "was not confirmed"),
    "another confirmed": (lambda wanted: replace(wanted, confirmed_database="app"), "was not confirmed"),
}


@pytest.mark.parametrize("case", list(REFUSALS))
def test_a_request_without_its_permits_is_refused(
    database: Database, backup_root: Path, tmp_path: Path, case: str
) -> None:
    edit, told = REFUSALS[case]
    taken = proven(database, backup_root)
    _require_refused(database, edit(request(database, taken, write_set(tmp_path / "set", GOOD))), told)
    assert "armed" not in events(taken.directory)


def _require_refused(database: Database, wanted: migrate.MigrateRequest, told: str) -> None:
    before = database.fingerprint()
    with pytest.raises((Refused, NotABackup)) as caught:
        migrate.run(wanted)
    assert told in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert database.fingerprint() == before


def test_a_backup_that_was_never_verified_permits_nothing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = back_up(database, backup_root)
    _require_refused(database, request(database, taken, write_set(tmp_path / "set", GOOD)), "never verified")


def test_a_backup_proven_to_a_lower_level_permits_nothing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root, "decode")
    told = "verified to the level 'decode'; 'restore' is required"
    _require_refused(database, request(database, taken, write_set(tmp_path / "set", GOOD)), told)


def test_a_manifest_that_was_altered_since_its_proof_permits_nothing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root)
    with (taken.directory / manifest.MANIFEST).open("a") as stream:
        stream.write("\n")
    wanted = request(database, taken, write_set(tmp_path / "set", GOOD))
    _require_refused(database, wanted, "not the one that was verified")


def test_the_backup_of_another_database_permits_nothing(
    database: Database, clone: Callable[[str], Database], backup_root: Path, tmp_path: Path
) -> None:
    other = clone("small")
    taken = proven(other, backup_root)
    wanted = request(database, taken, write_set(tmp_path / "set", GOOD))
    _require_refused(database, wanted, "is not the database that the backup was taken from")


def test_a_directory_without_a_manifest_permits_nothing(database: Database, backup_root: Path, tmp_path: Path) -> None:
    taken = proven(database, backup_root)
    (taken.directory / manifest.MANIFEST).unlink()
    _require_refused(database, request(database, taken, write_set(tmp_path / "set", GOOD)), "is no complete backup")


def test_a_run_that_has_migrated_is_not_used_again(database: Database, backup_root: Path, tmp_path: Path) -> None:
    wanted = request(database, proven(database, backup_root), write_set(tmp_path / "set", GOOD))
    migrate.run(wanted)
    _require_refused(database, wanted, "has already been used (migrated)")


def test_a_run_that_was_unchanged_is_not_used_again(database: Database, backup_root: Path, tmp_path: Path) -> None:
    files = {"1.sql": "SELECT 1 / 0;\n"}
    wanted = request(database, proven(database, backup_root), write_set(tmp_path / "set", files))
    assert failed(wanted).outcome.verdict == "failed_unchanged"
    _require_refused(database, wanted, "has already been used (failed_unchanged)")
