# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit reads and does nothing else: its locks, its time, its rights, and the rules of a user's own."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.looking import Budget
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.own_rule import OwnRule
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.tests.server.audit_support import audited, counts
from ansible_collections.pgsafe.migration.tests.server.backup_support import as_role
from ansible_collections.pgsafe.migration.tests.server.support import Database, backends, until
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

SLOW = OwnRule("slow", "SELECT 1 FROM pg_sleep(600)", "error")

# A check that waits, once it has been accepted, for a lock that the test holds.
WAITS = """
CREATE FUNCTION waits(bigint) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
ALTER TABLE customers ADD CONSTRAINT waiting CHECK (waits(id));
CREATE OR REPLACE FUNCTION waits(bigint) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN true; END'
"""
LOCKS = """
SELECT DISTINCT l.locktype || ' ' || l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE a.application_name = 'pgsafe audit' AND l.locktype NOT IN ('virtualxid', 'advisory') ORDER BY 1
"""
TABLES = """
SELECT DISTINCT l.relation::regclass FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE a.application_name = 'pgsafe audit' AND l.locktype = 'relation' AND l.relation >= 16384
   AND l.relation IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p')) ORDER BY 1
"""


@pytest.mark.every_major
def test_a_rule_at_work_holds_no_lock_but_a_reader_s_and_on_its_own_table_alone(database: Database) -> None:
    database.sql(WAITS)
    found: list[audit.Audit] = []
    with database.holding("SELECT pg_advisory_lock(4711)"):
        auditor = threading.Thread(target=lambda: found.append(audited(database, jobs=1)))
        auditor.start()
        until(lambda: database.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), "it waits")
        assert database.sql(LOCKS) == "relation AccessShareLock"
        assert database.sql(TABLES) == "customers"
        # whoever changes another table does not wait
        database.sql("SET lock_timeout = '1s'; ALTER TABLE orders ADD COLUMN more integer; DROP TABLE empty_one")
    auditor.join()
    (done,) = found
    assert done.blocking == ()
    # of the snapshot, although it is gone since
    assert done.rows["public.empty_one"] == 0
    assert backends(database.server, "pgsafe audit") == []


def test_a_rule_that_runs_out_of_its_time_is_told_and_the_others_go_on(database: Database) -> None:
    database.sql("ALTER TABLE customers ADD CONSTRAINT named CHECK (name > 'o') NOT VALID")
    found = audited(database, own_rules=(SLOW,), budget=Budget(rule=0.5, total=0))
    found_by_key = {finding.key: finding for finding in found.findings}
    assert found_by_key["not_valid_rows public.customers constraint named"].count == 60
    assert found_by_key["not_looked_at slow"].severity == "warning"
    assert "statement timeout" in found_by_key["not_looked_at slow"].what
    rules = found.report.rules
    assert [name for name in rules if not rules[name].complete] == ["slow"]


def test_when_no_time_is_left_at_all_every_rule_and_every_table_says_so(database: Database) -> None:
    found = audited(database, own_rules=(SLOW,), budget=Budget(rule=0, total=0.000001))
    assert {finding.rule for finding in found.findings} == {"not_looked_at"}
    looked_for = {finding.subject.partition(" ")[0] for finding in found.findings}
    assert looked_for == {*audit.NAMES, "slow", "rows"}
    assert found.rows == {}
    assert found.blocking == ()


def test_a_table_that_somebody_has_locked_is_told_by_its_name(database: Database) -> None:
    with database.holding("LOCK TABLE orders_2026"):
        found = audited(database, budget=Budget(rule=0.3, total=0))
    assert "public.orders" not in found.rows
    assert found.rows["public.customers"] == 60
    keys = set(counts(found))
    assert {
        "not_looked_at rows public.orders",
        "not_looked_at orphans public.orders constraint orders_customer_id_fkey",
        "not_looked_at duplicates public.orders index orders_pkey",
    } <= keys
    assert not [key for key in keys if key.startswith("not_looked_at duplicates public.customers")]
    assert {finding.remedy.split("(")[0] for finding in found.findings if "public.orders" in finding.subject} == {
        "Give the audit more time "
    }


def test_a_table_that_the_role_may_not_read_is_not_passed_as_clean(database: Database) -> None:
    database.admin(f"CREATE ROLE looker LOGIN; GRANT CONNECT ON DATABASE {database.name} TO looker")
    try:
        database.sql("GRANT SELECT ON customers TO looker")
        found = audit.run(requests.audit(as_role(database, "looker")))
        keys = counts(found)
        assert "not_looked_at duplicates public.orders index orders_pkey" in keys
        assert "not_looked_at rows public.orders" in keys
        assert "not_looked_at duplicates public.customers index customers_pkey" not in keys
        assert "permission denied" in " ".join(finding.what for finding in found.findings)
        assert {finding.severity for finding in found.findings} <= {"warning", "info"}
        (remedy,) = {finding.remedy for finding in found.findings if "permission denied" in finding.what}
        assert remedy.startswith("Give the role what it lacks")
    finally:
        database.sql("DROP OWNED BY looker")
        database.admin(f"REVOKE ALL ON DATABASE {database.name} FROM looker; DROP ROLE looker")


def test_a_function_that_raises_is_an_error_whose_remedy_is_no_time(database: Database) -> None:
    database.sql(
        """CREATE FUNCTION fussy(bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
           ALTER TABLE customers ADD CONSTRAINT picky CHECK (fussy(id));
           CREATE OR REPLACE FUNCTION fussy(bigint) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'not this row'; END $$"""
    )
    (finding,) = [finding for finding in audited(database).findings if "not this row" in finding.what]
    assert finding.severity == "error"
    assert finding.remedy.startswith("Fix what the error names, or waive this by name")


def own(database: Database, *rules: OwnRule, **options: object) -> dict[str, Finding]:
    names = {rule.name for rule in rules}
    found = audited(database, own_rules=rules, **options).findings
    return {finding.rule: finding for finding in found if finding.rule in names}


def test_a_rule_of_the_user_s_own_finds_more_rows_than_it_expects(database: Database) -> None:
    found = own(
        database,
        OwnRule("unnamed", "SELECT name, note FROM customers WHERE note IS NULL", "error", 14, "Ask {them}."),
        OwnRule("expected", "SELECT id FROM customers WHERE note IS NULL", "error", 15),
        OwnRule("nobody", "SELECT id FROM customers WHERE name LIKE '%nobody%'", "error"),
        OwnRule("ended", "-- severity: info\n\nSELECT id FROM customers\n-- all\n ;\n-- of them\n", "info"),
    )
    assert {name: finding.count for name, finding in found.items()} == {"unnamed": 15, "ended": 60}
    unnamed = found["unnamed"]
    assert (unnamed.severity, unnamed.subject, unnamed.remedy) == ("error", "", "Ask {them}.")
    assert unnamed.what == "Rule unnamed: 15 rows found, at most 14 expected."
    assert unnamed.samples == ("n…(7)",) * 5


def test_a_rule_of_the_user_s_own_that_fails_is_an_error_by_its_name_and_no_crash(database: Database) -> None:
    found = own(
        database,
        OwnRule("misspelt", "SELEKT 1", "info"),
        OwnRule("missing", "SELECT id FROM no_such_table", "info"),
        OwnRule("writing", "DELETE FROM customers RETURNING id", "info"),
        OwnRule("calling", "SELECT setval('customers_id_seq', 1)", "info"),
        OwnRule("leaving", "SELECT 1) AS o; COMMIT; CREATE TABLE stolen (); SELECT 1, 1 FROM (SELECT 1", "info"),
    )
    assert {finding.severity for finding in found.values()} == {"error"}
    assert 'relation "no_such_table" does not exist' in found["missing"].what
    assert "read-only transaction" in found["calling"].what
    assert sorted(found) == ["calling", "leaving", "missing", "misspelt", "writing"]
    assert database.sql("SELECT count(*) FROM customers") == "60"
    assert database.sql("SELECT to_regclass('stolen') IS NULL") == "t"


def test_a_waived_error_does_not_block_and_its_reason_is_told(database: Database) -> None:
    rules = (OwnRule("all", "SELECT 1", "error"), OwnRule("more", "SELECT 2", "error"))
    found = audited(database, own_rules=rules, waived={"all": "a test"})
    assert [finding.rule for finding in found.blocking] == ["more"]
    assert {finding.rule: finding.waived for finding in found.findings if finding.severity == "error"} == {
        "all": "a test",
        "more": "",
    }
    with pytest.raises(BadRequest, match="There is no audit rule some to waive"):
        audited(database, waived={"some": "a test"})
    with pytest.raises(BadRequest, match="orphans is waived without a reason"):
        audited(database, waived={"orphans": " "})


def test_a_rule_with_a_letter_that_the_database_s_encoding_lacks_is_a_finding(server: pgserver.Server) -> None:
    server.psql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        rule = OwnRule("cyrillic", "SELECT 1 WHERE 'Ж' = 'Ж'")
        found = audit.run(requests.audit(Database(server, "latin").target, own_rules=(rule,)))
    finally:
        server.psql("DROP DATABASE latin")
    (told,) = [finding for finding in found.findings if finding.severity == "error"]
    assert "the statement has 'Ж', which its encoding lacks" in told.what
