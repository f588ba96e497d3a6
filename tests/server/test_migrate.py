# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrate on a server: what it refuses, what it applies, and that a failure leaves the database as it was."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import losses
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed, NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import applied_files
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.conventions import NO_TRANSACTION
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.pending import Accepted
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import expectations
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    back_up,
    events,
    failed,
    ours,
    planned,
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
    assert planned(database, source, wanted=wanted).pending
    with pytest.raises(BadRequest, match="tables that do not exist: customers"):
        planned(wrong, source, wanted=wanted)


@pytest.mark.every_major
def test_a_good_set_is_applied_verified_and_recorded(database: Database, backup_root: Path, tmp_path: Path) -> None:
    taken = proven(database, backup_root)
    source = SetSource(write_set(tmp_path / "set", GOOD))
    outcome = migrate.run(request(database, taken, tmp_path / "set"))
    assert outcome.verdict == "migrated"
    assert outcome.applied == tuple(GOOD)
    assert database.sql("SELECT count(*) FROM customers WHERE grade = 2") == "30"
    assert not planned(database, source).pending
    assert planned(database, source).newest == list(GOOD)[-1]
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
    "materialized views are refreshed, not restored": ("public.counted", "public.kept", "public.named"),
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


def test_a_set_that_grows_is_applied_file_by_file(database: Database, backup_root: Path, tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", GOOD)
    first = migrate.run(request(database, proven(database, backup_root), root))
    assert first.applied == tuple(GOOD)
    assert not planned(database, SetSource(root)).pending
    write_set(root, {"010_new.sql": "UPDATE customers SET grade = grade + 1;\n"})
    plan = planned(database, SetSource(root))
    assert (plan.files, plan.steps) == (["010_new.sql"], [*GOOD, "010_new.sql"])
    taken = proven(database, backup_root)
    assert migrate.run(request(database, taken, root)).applied == ("010_new.sql",)
    assert not planned(database, SetSource(root)).pending
    with session(database.target) as reader:
        history = applied_files.read(reader)
    seen = [(file.name, file.kind, file.place, file.transactional, file.run_id) for file in history]
    in_one = {name: "no-transaction" not in text for name, text in GOOD.items()}
    of_first = [(name, "applied", place, in_one[name], seen[0][4]) for place, name in enumerate(GOOD, 1)]
    assert seen == [*of_first, ("010_new.sql", "applied", len(GOOD) + 1, True, taken.run_id)]
    assert all(file.applied_by == "postgres" and file.seconds is not None for file in history)
    restore.run(requests.restore(database.target, taken.directory))
    assert planned(database, SetSource(root)).files == ["010_new.sql"]


def test_files_that_contradict_the_history_are_refused_before_anything_is_done(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    root = write_set(tmp_path / "set", GOOD)
    migrate.run(request(database, proven(database, backup_root), root))
    before = database.fingerprint()
    fill = {"002_fill.sql": "UPDATE customers SET grade = 3;\n"}
    typo = Accepted(changed=dict.fromkeys(fill, "typo"))
    wrong: list[tuple[dict[str, str], str, str, Accepted | None]] = [
        (fill, "002_fill.sql has changed since the run", "changed_files", typo),
        ({"009.sql": GOOD["001_add.sql"]}, "009.sql was applied as 001_add.sql by the run", "001_add.sql", None),
        ({"0.sql": "SELECT 1;"}, "0.sql is pending, but comes before", "out_of_order", Accepted(out_of_order=True)),
    ]
    taken = proven(database, backup_root)
    for changed, told, way_out, accepted in wrong:
        broken = write_set(tmp_path / way_out[:7], {**GOOD, **changed})
        with pytest.raises(Refused, match=told) as refused:
            planned(database, SetSource(broken))
        assert way_out in refused.value.remedy
        _require_refused(database, request(database, taken, broken), told)
        if accepted:
            foreseen = planned(database, SetSource(broken), accepted=accepted)
            assert foreseen.files == [name for name in changed if name not in GOOD]
    (root / "001_add.sql").unlink()
    with pytest.raises(Refused, match=r"001_add.sql, applied by the run \S+, is no longer in the set"):
        planned(database, SetSource(root))
    with pytest.raises(Refused, match="as a file of the set default"):
        planned(database, SetSource(root), set_name="another")
    another = write_set(tmp_path / "another", {"001_add.sql": "SELECT 1;"})
    assert planned(database, SetSource(another), set_name="another").pending
    assert "closing" not in events(taken.directory)
    assert database.fingerprint() == before


def test_a_changed_file_is_recorded_with_its_reason_and_one_to_be_applied_again_is_applied(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    root = write_set(tmp_path / "set", GOOD)
    migrate.run(request(database, proven(database, backup_root), root))
    write_set(root, {"001_add.sql": GOOD["001_add.sql"] + "-- a remark\n"})
    write_set(root, {"002_fill.sql": "UPDATE customers SET grade = 7;"})
    accepted = Accepted(changed={"001_add.sql": "a remark"}, again={"002_fill.sql": "the wrong grade"})
    done = migrate.run(request(database, proven(database, backup_root), root, accepted=accepted))
    assert done.applied == ("002_fill.sql",)
    assert database.sql("SELECT DISTINCT grade FROM customers") == "7"
    assert not planned(database, SetSource(root)).pending
    with session(database.target) as reader:
        kept = {file.name: (file.kind, file.reason) for file in applied_files.read(reader)}
    assert kept["001_add.sql"] == ("accepted", "a remark")
    assert kept["002_fill.sql"] == ("applied", "the wrong grade")


def test_repeatable_files_run_last_whenever_they_have_changed(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    view = "-- pgsafe: repeatable\nCREATE OR REPLACE VIEW graded AS SELECT grade FROM customers WHERE grade > {};\n"
    root = write_set(tmp_path / "set", {**GOOD, "000_views.sql": view.format(1)})
    done = migrate.run(request(database, proven(database, backup_root), root))
    assert done.applied == (*GOOD, "000_views.sql")
    write_set(root, {"000_views.sql": view.format(2)})
    assert planned(database, SetSource(root)).files == ["000_views.sql"]
    assert migrate.run(request(database, proven(database, backup_root), root)).applied == ("000_views.sql",)
    assert "grade > 2" in database.sql("SELECT pg_get_viewdef('graded'::regclass)")
    assert not planned(database, SetSource(root)).pending


def test_a_baseline_is_recorded_and_not_run(database: Database, backup_root: Path, tmp_path: Path) -> None:
    database.sql("ALTER TABLE customers ADD grade integer")
    root = write_set(tmp_path / "set", GOOD)
    baseline = Accepted(baseline="001_add.sql")
    plan = planned(database, SetSource(root), accepted=baseline)
    assert (plan.baseline, plan.files) == (["001_add.sql"], list(GOOD)[1:])
    done = migrate.run(request(database, proven(database, backup_root), root, accepted=baseline))
    assert done.applied == tuple(GOOD)[1:]
    assert not planned(database, SetSource(root)).pending
    assert not planned(database, SetSource(root), accepted=baseline).pending


def test_a_baseline_of_all_files_changes_nothing_and_needs_no_declaration(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    root = write_set(tmp_path / "set", {"V1.2__a.sql": "SELECT 1/0;", "V1.10__b.sql": "SELECT 1/0;"})
    done = migrate.run(
        request(database, proven(database, backup_root), root, accepted=Accepted(baseline="V1.10__b.sql"))
    )
    assert (done.verdict, done.applied) == ("migrated", ())
    assert not planned(database, SetSource(root)).pending


def test_of_a_file_of_dbmate_the_part_up_runs(database: Database, backup_root: Path, tmp_path: Path) -> None:
    up = "-- migrate:up\nALTER TABLE customers ADD grade integer;\n-- migrate:down\nDROP TABLE customers;\n"
    plain = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON customers (grade);\n"
    root = write_set(tmp_path / "set", {"20260101120000_grade.sql": up, "20260102120000_index.sql": plain})
    migrate.run(request(database, proven(database, backup_root), root))
    assert database.sql("SELECT count(grade) FROM customers") == "0"
    broken = "-- migrate:up\n\nSELECT 1 / 0;\n"
    write_set(root, {"20260103120000_broken.sql": broken})
    failure = failed(request(database, proven(database, backup_root), root))
    assert "20260103120000_broken.sql:3: ERROR" in failure.what


# The tables as the tools create them, after two files.
FLYWAY = """
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),
  description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int,
  installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL,
  success boolean NOT NULL);
INSERT INTO flyway_schema_history VALUES
  (1, '1', 'grade', 'SQL', 'V1__grade.sql', 1, 'app', now(), 5, true),
  (2, '1.2', 'old', 'SQL', 'V1.2__old.sql', 2, 'app', now(), 5, true)
"""
DBMATE = """
CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20260101000000'), ('20260102000000')
"""
NOT_AGAIN = "SELECT 1 / 0;\n"
TAKEN_OVER = {
    "Flyway": (
        FLYWAY,
        {
            "V1__grade.sql": NOT_AGAIN,
            "V1.2__old.sql": NOT_AGAIN,
            "V1.10__new.sql": "ALTER TABLE customers ADD a int;\n",
        },
        "V1.2__old.sql",
        {"R__view.sql": "CREATE OR REPLACE VIEW seen AS SELECT a FROM customers;\n"},
    ),
    "dbmate or Rails": (
        DBMATE,
        {
            "20260101000000_grade.sql": f"-- migrate:up\n{NOT_AGAIN}",
            "20260102000000_old.sql": f"-- migrate:up\n{NOT_AGAIN}",
            "20260103000000_new.sql": "-- migrate:up\nALTER TABLE customers ADD a int;\n-- migrate:down\nSELECT 1;\n",
        },
        "20260102000000_old.sql",
        {"20260104000000_next.sql": "-- migrate:up\nALTER TABLE customers ADD b int;\n"},
    ),
}


@pytest.mark.parametrize("tool", TAKEN_OVER)
def test_the_history_of_another_tool_is_taken_over_and_goes_on(
    database: Database, backup_root: Path, tmp_path: Path, tool: str
) -> None:
    kept, files, newest, next_one = TAKEN_OVER[tool]
    database.sql(kept)
    problem = only(look(database, backup_root), "other_histories")
    assert f"is a history of {tool}" in problem.what
    (shown,) = re.findall(r"\((SELECT .*?)\) and set", problem.remedy)
    assert newest.startswith(database.sql(shown).strip())
    root = write_set(tmp_path / "set", files)
    baseline = Accepted(baseline=newest)
    done = migrate.run(request(database, proven(database, backup_root), root, accepted=baseline))
    assert done.applied == tuple(files)[2:]
    assert of(look(database, backup_root), "other_histories") == []
    write_set(root, next_one)
    assert planned(database, SetSource(root)).files == list(next_one)
    assert migrate.run(request(database, proven(database, backup_root), root)).applied == tuple(next_one)


def test_the_scripts_of_sqitch_are_taken_over_in_the_order_of_its_plan(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    write_set(root / "deploy", {f"{name}.sql": f"CREATE TABLE {name} ();\n" for name in ("users", "base", "orders")})
    plan = SetSource(root, files=("deploy/users.sql", "deploy/base.sql", "deploy/orders.sql"))
    found = planned(database, plan, accepted=Accepted(baseline="deploy/base.sql"))
    assert (found.baseline, found.files) == (["deploy/users.sql", "deploy/base.sql"], ["deploy/orders.sql"])
    write_set(root / "deploy", {"orders.sql": "BEGIN;\nCREATE TABLE orders ();\nCOMMIT;\n"})
    with pytest.raises(BadRequest, match=r"deploy/orders\.sql.*BEGIN"):
        planned(database, plan)


@pytest.mark.every_major
def test_the_record_of_whole_sets_becomes_a_history_of_their_files(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    root = write_set(tmp_path / "set", GOOD)
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in GOOD.items()}
    database.sql(
        "CREATE SCHEMA pgsafe; CREATE TABLE pgsafe.migration_set (digest text PRIMARY KEY, run_id text NOT NULL,"
        " files jsonb NOT NULL, applied_at timestamptz NOT NULL, verified_at timestamptz);"
        f"INSERT INTO pgsafe.migration_set VALUES ('d', '20260101_000000', '{json.dumps(sums)}', now(), now()),"
        " ('c', '20260102_000000', '{}', now(), now())"
    )
    assert not planned(database, SetSource(root)).pending
    write_set(root, {"010_new.sql": "ALTER TABLE customers ADD grade integer;\n"})
    migrate.run(request(database, proven(database, backup_root), root))
    with session(database.target) as reader:
        history = applied_files.read(reader)
    assert [(file.name, file.run_id) for file in history[:-1]] == [
        *[(name, "20260101_000000") for name in GOOD],
        ("", "20260102_000000"),
    ]
    assert history[-1].name == "010_new.sql"
    assert database.sql("SELECT to_regclass('pgsafe.migration_set') IS NULL") == "t"


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
    assert not planned(database, SetSource(source)).pending
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
        ({"1.sql": "CREATE INDEX CONCURRENTLY i ON customers (name);\n"}, NO_TRANSACTION),
    ],
    ids=["none", "empty", "bom alone", "latin1", "shell", "connect", "connect in a line", "own transaction", "index"],
)
def test_a_file_that_cannot_be_run_safely_is_refused(
    database: Database, tmp_path: Path, files: dict[str, str | bytes], told: str
) -> None:
    with pytest.raises((BadRequest, FileFailed)) as caught:
        planned(database, SetSource(write_set(tmp_path / "set", files)))
    assert told in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


@pytest.mark.parametrize("files", [("no.sql",), ("../outside.sql",)], ids=["missing", "outside"])
def test_a_file_that_is_not_in_the_set_is_refused(database: Database, tmp_path: Path, files: tuple[str, ...]) -> None:
    write_set(tmp_path, {"outside.sql": "SELECT 1;\n"})
    source = SetSource(write_set(tmp_path / "set", GOOD), files=files)
    with pytest.raises(BadRequest):
        planned(database, source)


def test_a_backslash_in_a_string_or_a_comment_is_no_command(database: Database, tmp_path: Path) -> None:
    text = "-- \\c\n/* \\! */ SELECT 'a\\c', E'it\\'s \\c', \"b\\c\", $$ \\c $$, $x$ '\\! $x$;\n"
    assert planned(database, SetSource(write_set(tmp_path / "set", {"1.sql": text}))).pending


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
    assert not planned(database, source).pending


# What is refused, one by one; none of these may arm the run.


def _other_run(wanted: migrate.MigrateRequest) -> migrate.MigrateRequest:
    return replace(wanted, run_id="20200101_000000")


REFUSALS: dict[str, tuple[Edit, str]] = {
    "no backup": (lambda wanted: replace(wanted, backup_dir=Path()), "backup_dir is not set"),
    "another run": (_other_run, "not to 20200101_000000"),
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
