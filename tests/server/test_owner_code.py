# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The owner of a database does not become a superuser because a superuser audits or backs it up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import NOT_LOOKED_AT
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import sources
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import ConnectionFailed, QueryFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import run as verification
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import Wanted
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, session
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import rollback
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

OWNER = "mallory"

# Each way for an owner to have a function called: while a row is checked, or while a column is read.
PLANTED = {
    "check": "CREATE TABLE t (a int CHECK (trap(a)))",
    "not valid": "CREATE TABLE t (a int); ALTER TABLE t ADD CHECK (trap(a)) NOT VALID",
    "operator": "CREATE OPERATOR === (FUNCTION = trap, LEFTARG = int, RIGHTARG = int);"
    "CREATE TABLE t (a int CHECK (a === 1))",
    "domain": "CREATE DOMAIN d AS int CHECK (trap(VALUE)); CREATE TABLE t (a d)",
    "generated": "CREATE TABLE t (a int, b boolean GENERATED ALWAYS AS (trap(a)) STORED)",
    "partition key": "CREATE TABLE t (a int) PARTITION BY LIST (trap(a)); CREATE TABLE p PARTITION OF t DEFAULT",
}
# The planner of a query that reads the table evaluates what is constant in these.
PLANNED = {
    "index": "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (trap(a), trap(1))",
    "predicate": "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE trap(1)",
    "statistics": "CREATE TABLE t (a int); CREATE STATISTICS s ON (trap(1)), a FROM t",
    "key": "CREATE TABLE t (a int) PARTITION BY LIST ((trap(1) AND a > 0)); CREATE TABLE p PARTITION OF t DEFAULT",
}

TRAP = """
CREATE FUNCTION trap(a int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
RAISE 'the trap has sprung'; END IF; RETURN true; END $$;
CREATE FUNCTION trap(a int, b int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT public.trap(a)';
"""


@pytest.fixture
def owned(database: Database) -> Iterator[Database]:
    """A database whose schema public belongs to a role that is no superuser."""
    database.admin(f"DROP ROLE IF EXISTS {OWNER}; CREATE ROLE {OWNER} LOGIN")
    database.sql(f"ALTER SCHEMA public OWNER TO {OWNER}; SET ROLE {OWNER}; {TRAP}")
    yield database
    database.sql(f"DROP OWNED BY {OWNER} CASCADE")
    database.admin(f"DROP ROLE {OWNER}")


@pytest.mark.every_major
def test_code_of_an_owner_stops_a_run_and_is_not_run_by_the_audit_until_the_owner_is_trusted(
    owned: Database, backup_root: Path
) -> None:
    trusting = replace(owned.target, trust_owner=True)
    assert of(look(owned, backup_root), "owner_code") == []
    for case, planted in {**PLANTED, **PLANNED}.items():
        owned.sql(f"SET ROLE {OWNER}; {planted}; INSERT INTO t (a) VALUES (1)")
        problem = only(look(owned, backup_root), "owner_code")
        assert (problem.severity, f"public.trap of {OWNER}" in problem.what) == ("error", True), case
        assert of(look(owned, backup_root, trusting), "owner_code") == [], case
        seen = audit.run(requests.audit(owned.target))
        unseen = {finding.subject.split()[0] for finding in seen.findings if finding.rule == NOT_LOOKED_AT}
        assert unseen >= {"check_violations", "domain_violations", "duplicates", "not_valid_rows"}, case
        assert ({"blank_strings", "rows"} <= unseen) == (case in PLANNED or case == "partition key"), case
        if case in PLANNED:
            with pytest.raises(Refused, match=rf"would run functions of other roles .*public\.trap of {OWNER}"):
                back_up(owned, backup_root)
        assert [it for it in seen.findings if "sprung" in it.what] == [], case
        if case in ("check", "not valid", "operator", "domain", "index"):
            risked = audit.run(requests.audit(trusting)).findings
            assert any("sprung" in finding.what for finding in risked), case
        owned.sql("DROP TABLE IF EXISTS t CASCADE; DROP DOMAIN IF EXISTS d; DROP OPERATOR IF EXISTS === (int, int)")


ORDERED = """
CREATE FUNCTION {first}_needs_{second}() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  FOR waited IN 1..{waits} LOOP
    IF pg_relation_size('public.{second}') > 0 THEN RETURN true; END IF;
    PERFORM pg_sleep(0.1);
  END LOOP;
  RETURN false;
END $$;
CREATE TABLE {second} (a int); INSERT INTO {second} VALUES (1);
CREATE TABLE {first} (a int CHECK ({first}_needs_{second}())); INSERT INTO {first} VALUES (1);
"""


@pytest.mark.parametrize(
    ("first", "second", "waits", "others"),
    [
        ("b", "a", 1, ["restored by the archive with 1 job", "restored by the SQL script"]),
        ("a", "b", 80, ["NOT restored by the archive with 1 job", "NOT restored by the SQL script"]),
    ],
    ids=["in order", "against the order"],
)
def test_where_the_order_of_loading_matters_the_proof_names_each_way_that_restores(
    database: Database, backup_root: Path, first: str, second: str, waits: int, others: list[str]
) -> None:
    """Against the order two jobs succeed by chance: one of them waits for the other, and holds no lock on its table."""
    empty = database.called(f"{database.name}_ordered")
    database.admin(f'CREATE DATABASE "{empty.name}" TEMPLATE template0')
    empty.sql(ORDERED.format(first=first, second=second, waits=waits))
    taken = back_up(empty, backup_root)
    verdict = verify.run(requests.verify(empty.target, taken.directory, jobs=2))
    assert verdict.reached == "restore", verdict
    of_order, *tried = verdict.notes
    assert f"rows are checked by public.{first}_needs_{second}" in of_order
    assert [note[: len(other)] for note, other in zip(tried, others)] == others
    database.admin(f'DROP DATABASE "{empty.name}"')


@pytest.mark.every_major
def test_an_event_trigger_that_always_fires_is_code_of_the_owner_of_its_function(
    owned: Database, backup_root: Path
) -> None:
    owned.sql(
        f"SET ROLE {OWNER}; CREATE FUNCTION fires() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; RESET ROLE;"
        "CREATE EVENT TRIGGER always ON ddl_command_end EXECUTE FUNCTION fires()"
    )
    assert of(look(owned, backup_root), "owner_code") == []
    owned.sql("ALTER EVENT TRIGGER always ENABLE ALWAYS")
    found = of(look(owned, backup_root), "owner_code")
    assert [f"public.fires of {OWNER} (event trigger always)" in problem.what for problem in found] == (
        [True] if owned.server.installation.major < 17 else []
    )


def test_code_of_a_superuser_and_of_the_connecting_role_needs_no_trust(owned: Database, backup_root: Path) -> None:
    owned.sql("CREATE FUNCTION fine(a int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'")
    owned.sql("CREATE TABLE t (a int CHECK (fine(a)))")
    assert of(look(owned, backup_root), "owner_code") == []
    owned.sql(f"SET ROLE {OWNER}; CREATE TABLE own (a int CHECK (trap(a)))")
    as_owner = replace(owned.target, params={**owned.target.params, "user": OWNER})
    assert of(look(owned, backup_root, as_owner), "owner_code") == []


def test_what_a_superuser_owns_is_never_made_restorable_by_a_grant_of_its_role(
    owned: Database, backup_root: Path
) -> None:
    shop = replace(owned.target, params={**owned.target.params, "user": OWNER})
    problem = only(look(owned, backup_root, shop), "restorable")
    assert problem.severity == "error"
    assert f'ALTER … OWNER TO "{OWNER}"' in problem.remedy
    assert "GRANT" not in problem.remedy


@pytest.mark.every_major
def test_code_that_an_owner_adds_after_the_backup_is_run_by_no_verification_and_no_rollback(
    owned: Database, backup_root: Path
) -> None:
    owned.sql("CREATE TABLE kept (a int)")
    taken = back_up(owned, backup_root)
    manifest = manifests.read(taken.directory)
    for case, planted in PLANNED.items():
        owned.sql(f"SET ROLE {OWNER}; {planted}; INSERT INTO t (a) VALUES (1)")
        with pytest.raises(Refused, match=rf"would run functions of other roles .*public\.trap of {OWNER}"):
            verification.run(owned.target, manifest, Wanted(), requests.JOBS)
        with pytest.raises(Refused, match=r"public\.trap"):
            rollback.differences(owned.target, manifest, requests.JOBS, None)
        owned.sql("DROP TABLE t CASCADE")
        assert case
    owned.sql(f"SET ROLE {OWNER}; {PLANNED['index']}")
    done = rollback.roll_back(rollback.RollbackRequest(owned.target, taken.directory, requests.JOBS), manifest, None)
    assert done.state == "rolled_back"
    owned.sql(f"SET ROLE {OWNER}; {PLANNED['index']}")
    with pytest.raises(Refused, match=r"public\.trap"):
        rollback.roll_back(rollback.RollbackRequest(owned.target, taken.directory, requests.JOBS), manifest, None)
    owned.admin(f'DROP DATABASE "{done.kept}"')


@pytest.mark.every_major
def test_the_owner_of_a_database_cannot_reach_a_copy_that_is_being_restored(
    owned: Database, backup_root: Path
) -> None:
    owned.admin(f'ALTER DATABASE "{owned.name}" OWNER TO {OWNER}')
    owned.admin(f'ALTER DATABASE "{owned.name}" CONNECTION LIMIT 7')
    taken = back_up(owned, backup_root)
    source = sources.of(owned.target, taken.directory, manifests.read(taken.directory), 1)
    copy = owned.called(f"{owned.name}__copy")
    with copies.scratch(owned.target, copy.name, source, "verify"):
        copies.load_archive(owned.target, copy.name, source)
        theirs = replace(owned.target, params={**owned.target.params, "user": OWNER})
        with pytest.raises(ConnectionFailed, match="too many connections"), session(theirs.database(copy.name)):
            pass
        with session(theirs, WRITING) as owner, pytest.raises(QueryFailed, match="must be owner"):
            owner.execute(f'ALTER DATABASE "{copy.name}" CONNECTION LIMIT -1')
    request = requests.restore(owned.target, taken.directory, new_database=copy.name)
    restore.run(request)
    read = f"SELECT pg_get_userbyid(datdba), datconnlimit, datacl FROM pg_database WHERE datname = '{copy.name}'"
    assert owned.admin(read) == f"{OWNER}|7|"
    owned.admin(f'DROP DATABASE "{copy.name}"')
    owned.admin(f'ALTER DATABASE "{owned.name}" OWNER TO CURRENT_USER')
