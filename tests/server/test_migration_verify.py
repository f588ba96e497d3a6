# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Exit status 0 is not success: what a migration did is compared with the backup and with what was declared."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, QueryFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import assertions
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import report as verification_report
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import result as verification
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import run as migration_verify
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.assertions import Checked
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Verification, Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import table_marks
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    back_up,
    failed,
    fenced,
    ours,
    proven,
    request,
    rolled_back,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

ODD = 'Odd Schema.Odd "T" x'
AUDIT_TRIGGER = """
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER audit AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION noted();
"""


def wanted(
    expectations: Mapping[str, Any] | None = None,
    asserted: Sequence[Mapping[str, Any]] = (),
    declared: Sequence[str] = (),
    *,
    may_do_nothing: bool = False,
) -> Wanted:
    given = {"expectations": expectations or {}, "assertions": asserted, "declared": declared}
    return verification.wanted({**given, "may_do_nothing": may_do_nothing})


def verified(database: Database, taken: backup.Backup, of: Wanted | None = None) -> Verification:
    return migration_verify.run(database.target, taken.manifest, of or Wanted(), requests.JOBS)


# Harm that no exit status told.

HARM: dict[str, tuple[str, str]] = {
    "rows lost": ("DELETE FROM orders WHERE id <= 10", "The table public.orders has lost 10 of its 500 rows"),
    "table gone": ("DROP TABLE empty_one", "The table public.empty_one with 0 rows is gone"),
    "table renamed": ("ALTER TABLE extra RENAME TO extra_new", "The table public.extra with 3 rows is gone"),
    "not valid": (
        "ALTER TABLE customers ADD CONSTRAINT named CHECK (name > '') NOT VALID",
        "public.customers constraint named is NOT VALID",
    ),
    "invalid index": (
        "CREATE INDEX noted ON customers (note);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'noted'::regclass",
        "The index public.noted is ",
    ),
    "foreign key disabled": (
        "ALTER TABLE orders_2026 DISABLE TRIGGER ALL",
        "The foreign key public.orders_2026.orders_customer_id_fkey was disabled",
    ),
    "trigger disabled": (
        "ALTER TABLE customers DISABLE TRIGGER audit",
        "The trigger public.customers.audit was disabled",
    ),
    "large object gone": ("SELECT lo_unlink(4242)", "1 of 1 large objects are gone, which was not declared."),
    "sequence behind": (
        "INSERT INTO customers (id, name) OVERRIDING SYSTEM VALUE VALUES (1000, 'n')",
        "The next value of the sequence public.customers_id_seq is 61, but the column id of public.customers has "
        "already reached 1,000. "
        'SELECT pg_catalog.setval(\'"public"."customers_id_seq"\', 1000);',
    ),
}
GUARDED = AUDIT_TRIGGER + "CREATE TABLE extra AS SELECT generate_series(1, 3) AS i; SELECT lo_create(4242);"


def unmentioned(problems: Sequence[str], told: Sequence[str]) -> tuple[list[str], list[str]]:
    """The problems that nobody foresaw, and what was foreseen and is not among them."""
    return (
        [problem for problem in problems if not any(text in problem for text in told)],
        [text for text in told if not any(text in problem for problem in problems)],
    )


@pytest.mark.fault(74)
@pytest.mark.every_major
def test_harm_that_no_exit_status_told_is_rolled_back(database: Database, backup_root: Path, tmp_path: Path) -> None:
    database.sql(GUARDED)
    taken = fenced(database, backup_root)
    harms = [harm for harm, _text in HARM.values()]
    files = {f"{number}.sql": f"-- pgsafe: no-transaction\n{harm};\n" for number, harm in enumerate(harms)}
    failure = rolled_back(request(database, taken, write_set(tmp_path / "set", files)), database)
    assert failure.outcome.verification is not None
    told = [text for _harm, text in HARM.values()]
    assert unmentioned(failure.outcome.verification.found.problems, told) == ([], [])
    assert unmentioned([failure.what], told) == ([], [])
    assert "FAILED" in (taken.directory / manifest.VERIFICATION_REPORT).read_text()


@pytest.mark.fault(74)
def test_each_harm_by_itself_is_enough(database: Database, clone: Callable[[str], Database], backup_root: Path) -> None:
    database.sql(GUARDED)
    taken = back_up(database, backup_root)
    for harm, text in HARM.values():
        rehearsal = clone("small")
        rehearsal.sql(GUARDED)
        assert verified(rehearsal, taken).passed
        rehearsal.sql(harm)
        assert unmentioned(verified(rehearsal, taken).problems, [text]) == ([], []), harm


@pytest.mark.fault(74)
@pytest.mark.parametrize(
    ("kind", "audited"), [(fence.BOTH, True), (fence.BOTH, False), (COPIED, True), (FOLLOWED, True), ("none", True)]
)
def test_a_foreign_key_that_is_broken_with_its_triggers_off_is_rolled_back_where_it_was_audited_before(
    database: Database, backup_root: Path, tmp_path: Path, kind: str, audited: bool
) -> None:
    before = database.fingerprint()
    taken = audited_and_fenced(database, backup_root, kind, audited=audited)
    broken = {"1.sql": "SET session_replication_role = replica;\nDELETE FROM customers WHERE id = 1;\n"}
    declared = wanted(expectations={"customers": "may_shrink"})
    wish = request(database, taken, write_set(tmp_path / "set", broken), wanted=declared)
    if not audited:
        # Nobody knows whether the orphans were there all along.
        assert migrate.run(wish).verdict == "migrated"
        return
    failure = failed(wish)
    assert "Orphans under public.orders constraint orders_customer_id_fkey: 8." in failure.what
    assert (failure.outcome.verdict, database.fingerprint()) == ("rolled_back", before)


def audited_and_fenced(database: Database, backup_root: Path, kind: str, *, audited: bool = True) -> backup.Backup:
    before = audit.run(requests.audit(database.target)).report if audited else None
    raised = fence.run(requests.fence(database.target, backup_root, kind, reason="a test"))
    taken = backup.run(requests.backup(database.target, backup_root, audit=before, run_id=raised.run_id))
    proof = "verified_copy" if kind in (fence.BOTH, FOLLOWED) else "scratch"
    assert verify.run(requests.verify(database.target, taken.directory, proof=proof)).findings == ()
    return taken


@pytest.mark.parametrize("kind", [fence.BOTH, COPIED])
def test_tables_that_a_migration_has_not_touched_are_not_read_while_the_database_is_closed(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    """What was found in them before is neither new nor fixed."""
    database.sql("CREATE TABLE apart AS SELECT i AS id, '' AS email FROM generate_series(1, 20) AS i")
    taken = audited_and_fenced(database, backup_root, kind)
    assert taken.manifest.findings["blank_strings public.apart.email"] == 20
    scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = '{}'"
    before = [database.sql(scans.format(name)) for name in ("apart", "customers")]
    files = {"1.sql": "INSERT INTO customers (name) VALUES ('');\nCREATE TABLE made AS SELECT 1 AS a;\n"}
    done = migrate.run(request(database, taken, write_set(tmp_path / "set", files)))
    assert (done.verdict, done.verification is not None) == ("migrated", True), done
    after = [database.sql(scans.format(name)) for name in ("apart", "customers")]
    assert before[0] == after[0]
    assert int(before[1]) < int(after[1])
    assert done.verification is not None
    told = {change.table: (change.before, change.after) for change in done.verification.found.tables}
    assert (told["public.apart"], told["public.customers"], told["public.made"]) == ((20, 20), (60, 61), (None, 1))
    deltas = {delta.key for delta in done.verification.found.deltas}
    assert "blank_strings public.customers.name" in deltas
    assert not [key for key in deltas if "apart" in key]


@pytest.mark.parametrize("kind", [fence.BOTH, COPIED])
def test_where_it_is_not_known_what_was_touched_every_table_is_read(
    database: Database, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    taken = audited_and_fenced(database, backup_root, kind)

    def refused(_reader: Session) -> table_marks.Marks:
        raise QueryFailed("permission denied")

    monkeypatch.setattr(table_marks, "take", refused)
    files = {"1.sql": "DELETE FROM orders WHERE id <= 10;\n"}
    failure = rolled_back(request(database, taken, write_set(tmp_path / "set", files)), database)
    assert "The table public.orders has lost 10 of its 500 rows" in failure.what


@pytest.mark.parametrize("kind", [COPIED, FOLLOWED])
def test_rows_that_clients_write_after_the_backup_are_not_taken_for_the_migration_s(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    taken = audited_and_fenced(database, backup_root, kind)
    database.sql("DELETE FROM orders WHERE id <= 20; INSERT INTO customers (name) VALUES ('later')")
    files = {"1.sql": "UPDATE orders SET amount = amount + 1;\nINSERT INTO customers (name) VALUES ('mine');\n"}
    done = migrate.run(request(database, taken, write_set(tmp_path / "set", files)))
    assert (done.verdict, done.verification is not None) == ("migrated", True), done
    assert done.verification is not None
    told = {change.table: (change.before, change.after) for change in done.verification.found.tables}
    assert (told["public.orders"], told["public.customers"]) == ((480, 480), (61, 62))


@pytest.mark.fault(74)
def test_a_migration_whose_assertion_does_not_hold_is_rolled_back(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root)
    files = write_set(tmp_path / "set", {"1.sql": "UPDATE customers SET note = 'seen';\n"})
    holds = {"name": "noted", "sql": "SELECT bool_and(note = 'seen') FROM customers"}
    fails = {"name": "old enough", "rows_that_must_not_exist": "SELECT * FROM customers WHERE born > '2020-01-01'"}
    failure = rolled_back(request(database, taken, files, wanted=wanted(asserted=[holds, fails])), database)
    assert failure.what.endswith("The assertion 'old enough' does not hold: 60 rows exist that must not.")
    told = json.loads((taken.directory / manifest.VERIFICATION_JSON).read_text())
    assert [(check["name"], check["passed"]) for check in told["assertions"]] == [
        ("noted", True),
        ("old enough", False),
    ]
    assert failure.outcome.verification is not None
    assert told == json.loads(verification_report.as_json(failure.outcome.verification))


@pytest.mark.fault(72)
@pytest.mark.fault(75)
@pytest.mark.parametrize("kind", ["command", "files"])
def test_a_migration_that_does_nothing_at_all_has_failed(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    before = database.fingerprint()
    applied_before = write_set(tmp_path / "set", {"1.sql": "CREATE TABLE IF NOT EXISTS empty_one (a integer);\n"})
    source = SetSource(command=("true",)) if kind == "command" else SetSource(applied_before)
    # The record of the set is not the migration's: the counters of the fence see it, and nothing is restored for it.
    taken = fenced(database, backup_root)
    failure = failed(replace(request(database, taken, tmp_path, on_verify_failure="hold"), source=source))
    assert "The migration has changed nothing at all" in failure.what
    assert failure.outcome.verdict == "failed_unchanged"
    assert str(failure).endswith("Nothing was changed.")
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == set()
    allowed = verified(database, taken, wanted(may_do_nothing=True))
    assert allowed.passed
    assert allowed.warnings == ("The migration changed nothing at all, which may_do_nothing allows.",)


def test_a_migration_that_changes_values_alone_has_done_something(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    database.sql("UPDATE customers SET note = 'x' WHERE id = 7")
    assert verified(database, taken).passed


def test_where_the_fingerprint_does_not_have_every_row_nothing_is_said_for_sure(
    database: Database, backup_root: Path
) -> None:
    taken = backup.run(requests.backup(database.target, backup_root, fingerprint="counts"))
    found = verified(database, taken)
    assert found.passed
    (warning,) = found.warnings
    assert warning.startswith("Could not check whether the migration changed anything")


# What was declared.


@pytest.mark.every_major
def test_every_expectation_is_met_or_is_told(database: Database, backup_root: Path) -> None:
    database.sql(
        "CREATE TABLE logs AS SELECT generate_series(1, 10) AS i; CREATE TABLE archive (i int);"
        "CREATE TABLE temporary AS SELECT 1 AS i"
    )
    taken = back_up(database, backup_root)
    database.sql(
        "INSERT INTO customers (name) VALUES ('new'); DELETE FROM orders WHERE id <= 10; DROP TABLE temporary;"
        "WITH moved AS (DELETE FROM logs RETURNING i) INSERT INTO archive SELECT i FROM moved"
    )
    met = {
        "customers": "grows",
        "public.orders": {"may_shrink_to": 490},
        ODD: "same",
        "logs": {"moved_to": "archive"},
        "temporary": "dropped",
        "archive": "may_shrink",
    }
    found = verified(database, taken, wanted(met))
    assert found.problems == ()
    assert {change.table: change.verdict for change in found.tables if change.expectation} == {
        "public.customers": "+1",
        "public.orders": "-10",
        ODD: "same",
        "public.logs": "moved",
        "public.temporary": "dropped",
        "public.archive": "+10",
    }
    violated = {
        "customers": "same",
        "orders": {"may_shrink_to": 491},
        ODD: "grows",
        "logs": {"moved_to": "customers"},
        "temporary": "may_shrink",
        "archive": "dropped",
    }
    assert verified(database, taken, wanted(violated)).problems == (
        f"The table {ODD} should have grown, but has 2 rows (before: 2).",
        "The table public.archive should have been dropped, but exists, with 10 rows.",
        "The table public.customers should have kept its 60 rows, but has 61.",
        "The 10 rows of public.logs should have been moved to public.customers, which has 1 more rows instead of 10.",
        "The table public.orders should have kept 491 of 500 rows, but has 490.",
        "The table public.temporary with 1 rows was expected to keep some of them, but is gone.",
    )
    with pytest.raises(BadRequest, match="tables that do not exist: nowhere"):
        verified(database, taken, wanted({"nowhere": "same"}))


def test_what_was_declared_neither_fails_nor_warns(database: Database, backup_root: Path) -> None:
    database.sql(
        AUDIT_TRIGGER + "CREATE INDEX customers_name ON customers (name); CREATE INDEX gone ON orders (amount)"
    )
    taken = back_up(database, backup_root)
    database.sql(
        "ALTER TABLE customers DISABLE TRIGGER audit; ALTER TABLE orders DISABLE TRIGGER ALL;"
        "ALTER TABLE customers ADD CONSTRAINT named CHECK (name > '') NOT VALID; DROP INDEX customers_name;"
        "ALTER INDEX gone RENAME TO still_there; SELECT setval('customers_id_seq', 1)"
    )
    found = verified(database, taken)
    assert len(found.problems) == 6, found.problems
    assert found.warnings == ("The index public.customers_name is gone, which was not declared.",)
    declared = [
        "trigger public.customers.audit",
        "foreign key public.orders*",
        "not_valid_constraints public.customers constraint named",
        "sequence public.customers_id_seq",
        "index public.customers_name",
    ]
    found = verified(database, taken, wanted(declared=declared))
    assert (found.problems, found.warnings) == ((), ())


def test_what_was_wrong_before_fails_no_migration(database: Database, backup_root: Path) -> None:
    database.sql(
        AUDIT_TRIGGER + "ALTER TABLE customers DISABLE TRIGGER audit; SELECT setval('customers_id_seq', 1);"
        "ALTER TABLE customers ADD CONSTRAINT named CHECK (name > '') NOT VALID;"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID"
    )
    taken = back_up(database, backup_root)
    database.sql("ALTER TABLE orders VALIDATE CONSTRAINT paid; CREATE TABLE one (a int)")
    found = verified(database, taken)
    assert found.problems == ()
    (warning,) = found.warnings
    assert warning.startswith("The next value of the sequence public.customers_id_seq is 2,")
    mended = [(delta.key, delta.how) for delta in found.deltas]
    assert ("not_valid_constraints public.orders constraint paid", "fixed") in mended
    assert [delta for delta in found.deltas if delta.harms] == []


# Assertions.

ASSERTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "true": ({"sql": "SELECT count(*) = 60 FROM customers"}, ""),
    "a value": ({"sql": "SELECT count(*) FROM customers;", "expected": 60}, ""),
    "a text": ({"sql": "SELECT min(name) FROM customers -- the first", "expected": "name 1"}, ""),
    "no rows": ({"rows_that_must_not_exist": "SELECT FROM customers WHERE id > 60"}, ""),
    "a clause": ({"sql": "WITH c AS (SELECT 1) SELECT true FROM c"}, ""),
    "false": ({"sql": "SELECT false"}, "it is false instead of true"),
    "null": ({"sql": "SELECT NULL::boolean"}, "it is NULL instead of true"),
    "another value": ({"sql": "SELECT 1.50", "expected": 1.5}, "it is 1.50 instead of 1.5"),
    "a customer's name": ({"sql": "SELECT max(name) FROM customers"}, "it is another value instead of true"),
    "no value": ({"sql": "SELECT true WHERE false"}, "it returns 0 rows of 0 columns instead of one value"),
    "two values": ({"sql": "SELECT true, true"}, "it returns 1 rows of 2 columns instead of one value"),
    "rows": ({"rows_that_must_not_exist": "TABLE customers"}, "60 rows exist that must not"),
    "many rows": (
        {"rows_that_must_not_exist": "SELECT generate_series(1, 2000)"},
        "more than 1,000 rows exist that must not",
    ),
    "too long": ({"sql": "SELECT pg_sleep(60) IS NULL", "time_limit": 1}, "longer than its time_limit of 1 s"),
    "no such table": ({"sql": "SELECT true FROM nowhere"}, 'relation "nowhere" does not exist'),
    "an error with data": ({"sql": "SELECT name::int = 1 FROM customers"}, "SQLSTATE 22P02 (the message is not shown"),
    "a change": ({"sql": "DELETE FROM customers RETURNING true"}, "syntax error"),
    "a change in a clause": (
        {"sql": "WITH gone AS (DELETE FROM orders RETURNING id) SELECT true FROM gone"},
        "must not contain data-modifying statements",
    ),
    "a change in a function": ({"sql": "SELECT renamed()"}, "cannot execute UPDATE in a read-only transaction"),
    "a sequence": ({"sql": "SELECT nextval('customers_id_seq') > 0"}, "cannot execute nextval() in a read-only"),
    "another mode": (
        {"sql": "SELECT set_config('transaction_read_only', 'off', false) = 'off' AND renamed()"},
        "transaction read-write mode must be set before any query",
    ),
    "no query": ({"sql": "DROP TABLE orders"}, "syntax error"),
    "the end of its transaction": ({"sql": "COMMIT"}, "syntax error"),
}


@pytest.mark.every_major
def test_an_assertion_holds_or_says_why_not_and_changes_nothing(database: Database) -> None:
    database.sql(
        "CREATE FUNCTION renamed() RETURNS boolean LANGUAGE sql AS "
        "'UPDATE public.customers SET name = ''changed'' RETURNING true'"
    )
    before = database.fingerprint()
    asserted = assertions.typed([{"name": name, **entry} for name, (entry, _said) in ASSERTIONS.items()])
    found = {checked.name: checked for checked in assertions.check(database.target, asserted, "assert")}
    assert list(found) == list(ASSERTIONS)
    for name, (_entry, said) in ASSERTIONS.items():
        assert said in found[name].said, name
        assert found[name].passed == (not said), name
    assert database.fingerprint() == before


def test_an_assertion_finds_names_by_the_search_path_of_the_database(database: Database) -> None:
    database.sql(f'ALTER DATABASE {database.name} SET search_path = "Odd Schema"')
    asserted = assertions.typed([{"name": "odd", "sql": 'SELECT count(*) FROM "Odd ""T"" x"', "expected": "2"}])
    assert list(assertions.check(database.target, asserted, "assert")) == [Checked("odd", True, "")]


# What is told.


@pytest.mark.every_major
def test_what_is_left_is_told_with_the_statement_that_clears_it_away(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql("ANALYZE; CREATE TABLE never_analysed AS SELECT 1 AS i")
    taken = back_up(database, backup_root)
    database.sql(
        'ALTER TABLE customers ADD COLUMN grade int DEFAULT 1; CREATE TABLE "New" AS SELECT 1 AS i;'
        "CREATE TABLE also_empty (i int); ALTER TABLE orders RENAME TO orders_old;"
        "CREATE TABLE orders AS SELECT * FROM orders_old; ANALYZE orders"
    )
    found = verified(database, taken)
    assert found.passed, found.problems
    statements = [table.statement for table in found.unanalysed]
    assert statements == ['ANALYZE public."New";', "ANALYZE public.customers;"]
    (kept,) = found.kept
    assert (kept.table, kept.statement) == ("public.orders_old", "DROP TABLE public.orders_old;")
    size = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('orders_old')"
    assert str(kept.bytes) == database.sql(size)
    database.sql(" ".join([*statements, kept.statement]))
    left = verified(database, taken, wanted({"orders": "same"}))
    assert (left.unanalysed, left.kept) == ((), ())
    told = {(change.kind, change.name): (change.how, change.facts) for change in left.objects}
    assert told["column", "public.customers.grade"] == ("added", ())
    assert told["relation", 'public."New"'] == ("added", ())
    assert told["relation", "public.orders_2025"] == ("removed", ())
    assert "kind" in told["relation", "public.orders"][1]


def test_a_role_that_the_migration_made_is_told_as_outside(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    database.admin("CREATE ROLE made_by_a_migration")
    try:
        found = verified(database, taken)
    finally:
        database.admin("DROP ROLE made_by_a_migration")
    assert (found.problems, found.outside) == ((), ("role made_by_a_migration was not there before",))


def test_the_reports_of_a_run_are_of_one_structure_and_hold_no_value(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root)
    adding = "ALTER TABLE customers ADD COLUMN secret text DEFAULT 'geheim';\nCREATE VIEW v AS SELECT 'geheim';\n"
    files = {"1.sql": adding}
    outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", files)))
    written = [taken.directory / name for name in (manifest.VERIFICATION_REPORT, manifest.VERIFICATION_JSON)]
    assert outcome.verification is not None
    assert [path.read_text() for path in written] == [
        verification_report.text(outcome.verification),
        verification_report.as_json(outcome.verification),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert not [path for path in written if "geheim" in path.read_text()]
    checked = verify.run(requests.verify(database.target, taken.directory, "checksum"))
    assert checked.findings == ()
