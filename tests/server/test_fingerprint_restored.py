# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump and a restore change texts of the catalogs, and nothing that counts; a second one changes nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.catalog import facts as catalog
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, new_roles
from ansible_collections.pgsafe.migration.tests.server.fingerprint_cases import CHANGES
from ansible_collections.pgsafe.migration.tests.server.fingerprint_support import (
    Clone,
    of_copy,
    of_source,
    require_stable,
    round_trip,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, proven

import pgserver

pytestmark = pytest.mark.every_major

# Each as it stands in a database, and a part of its text that a restore writes otherwise (or empty).
REWRITTEN = {
    "a list of varchar in a check": (
        "CREATE TABLE t (s varchar(10) CHECK (s IN ('a', 'b')), u varchar CHECK (u <> ALL ('{x,y}')))",
        "constraint",
    ),
    "a view with casts": (
        """CREATE TABLE t (s varchar(10), n numeric);
           CREATE VIEW v AS SELECT s, n::integer FROM t WHERE s IN ('a', 'b') AND n BETWEEN 1 AND 2""",
        "relation",
    ),
    "a partial index with casts": (
        "CREATE TABLE t (s varchar(10)); CREATE INDEX i ON t (lower(s)) WHERE s IN ('a', 'b')",
        "index",
    ),
    "a range that is part of a conjunction": (
        "CREATE TABLE t (a integer CHECK (a BETWEEN 1 AND 9 AND a <> 5 AND (a < 3 OR a > 7)))",
        "constraint",
    ),
    "a function with a body in SQL": (
        """CREATE TABLE t (s varchar(10));
           CREATE FUNCTION f(x varchar DEFAULT 'a') RETURNS SETOF t BEGIN ATOMIC
           SELECT s FROM t WHERE s IN ('a', 'b'); END""",
        "function",
    ),
    "a policy and a trigger": (
        """CREATE TABLE t (s varchar(10));
           CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
           CREATE POLICY p ON t USING (s IN ('a', 'b'));
           CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.s IN ('a', 'b')) EXECUTE FUNCTION g()""",
        "policy",
    ),
    # Nothing names the columns of a later arm, of a subquery that is tested, or of a statement in a body.
    "constants whose columns have no names": (
        """CREATE TABLE t (id integer, y text); CREATE TYPE mood AS ENUM ('sad', 'glad');
           CREATE VIEW below AS WITH q AS (SELECT id, y FROM t UNION ALL SELECT id, NULL FROM t) SELECT * FROM q;
           CREATE VIEW intersected AS SELECT * FROM
               (SELECT id, y FROM t INTERSECT SELECT -1, 'x' EXCEPT VALUES (3, NULL)) q;
           CREATE VIEW tested AS SELECT id FROM t WHERE id IN (SELECT 1 UNION SELECT NULL) AND EXISTS (SELECT 'x');
           CREATE VIEW types AS SELECT * FROM (SELECT 'sad'::mood, 'x'::varchar(3), 'y'::char(3), '2 days'::interval,
               '2020-01-01'::timestamptz(0), '{1}'::integer[], 1.5::float8, true UNION SELECT
               'glad', 'x', 'y', '3 days', '2021-01-01', '{}', NULL, NULL) q (a, b, c, d, e, f, g, h);
           CREATE VIEW collated AS SELECT * FROM (SELECT y COLLATE "C" FROM t UNION SELECT 'x' COLLATE "C") q;
           CREATE RECURSIVE VIEW deeper (n, y) AS
               SELECT 1, 'a'::text UNION ALL SELECT n + 1, 'b' FROM deeper WHERE n < 3;
           CREATE MATERIALIZED VIEW kept AS SELECT * FROM (SELECT id FROM t UNION SELECT NULL) q;
           CREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT 1, 'lit'; SELECT 'x'::text; END;
           CREATE RULE r AS ON INSERT TO t DO ALSO SELECT * FROM (SELECT id FROM t UNION SELECT NULL) q;
           CREATE POLICY p ON t USING (id IN (SELECT 1 UNION SELECT NULL))""",
        "relation, function, rule, policy",
    ),
    "the filter of a rule": (
        "CREATE TABLE t (s varchar(10)); CREATE RULE r AS ON DELETE TO t WHERE OLD.s IN ('a', 'b') DO INSTEAD NOTHING",
        "rule",
    ),
}


@pytest.fixture
def empty(clone: Clone) -> Database:
    return clone("template0")


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@pytest.mark.parametrize(("text", "kinds"), REWRITTEN.values(), ids=list(REWRITTEN))
def test_a_text_that_a_restore_writes_anew_is_no_difference(empty: Database, text: str, kinds: str) -> None:
    empty.sql(text)
    before, after = require_stable(empty)
    for kind in kinds.split(", "):
        assert before.catalog[kind] != after.catalog[kind], "the server's own text is the same: this proves nothing"


def test_the_sample_application_comes_back_equal(sample: Database) -> None:
    require_stable(sample)


def test_a_schema_public_that_was_dropped_is_no_difference_in_a_copy_of_ours(empty: Database) -> None:
    empty.sql("CREATE SCHEMA other; CREATE TABLE other.t (a integer); DROP SCHEMA public")
    bare = round_trip(empty, f"{empty.name}_bare")
    assert fingerprint.differences(of_source(empty), of_copy(bare)) == ("schema public was not there before",)


def test_what_no_dump_says_is_no_difference_in_a_copy_of_ours(empty: Database, backup_root: Path) -> None:
    empty.sql(
        """CREATE SCHEMA other; DROP SCHEMA public; DROP EXTENSION plpgsql;
        CREATE EXTENSION hstore SCHEMA other; COMMENT ON EXTENSION hstore IS NULL;
        CREATE FUNCTION other.same(integer, integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2';
        CREATE OPERATOR other.===
            (LEFTARG = integer, RIGHTARG = integer, FUNCTION = other.same, NEGATOR = OPERATOR(other.!==));
        DROP OPERATOR other.=== (integer, integer);
        CREATE EXTENSION file_fdw SCHEMA other; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE TABLE other.t (a integer, b integer) PARTITION BY RANGE (a);
        CREATE TABLE other.here PARTITION OF other.t FOR VALUES FROM (0) TO (10);
        CREATE FOREIGN TABLE other.elsewhere PARTITION OF other.t FOR VALUES FROM (10) TO (20)
            SERVER files OPTIONS (program 'echo 15,1', format 'csv');
        CREATE TABLE other.gone (a integer) PARTITION BY RANGE (a);
        CREATE FOREIGN TABLE other.gone1 PARTITION OF other.gone FOR VALUES FROM (10) TO (20)
            SERVER files OPTIONS (program 'echo 15', format 'csv');
        INSERT INTO other.t VALUES (1, 2), (2, 3)"""
    )
    assert empty.sql("SELECT count(*) FROM other.t") == "3"
    taken = proven(empty, backup_root)
    rows = {file.table: file.rows for file in taken.manifest.csv_files}
    assert rows == {"other.t": 2, "other.gone": 0}


def test_an_invalid_index_that_vanishes_is_told_and_no_difference(empty: Database) -> None:
    empty.sql("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (1)")
    with closing(empty.connect()) as other, other.cursor() as cursor:
        other.autocommit = True
        with pytest.raises(psycopg2.Error, match="could not create unique index"):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    before, after = require_stable(empty)
    assert fingerprint.information(before, after) == ("invalid index public.i is missing",)


def test_privileges_that_are_written_out_and_the_default_are_the_same(roles: Roles, empty: Database) -> None:
    reader = roles("fp_grantee", "NOSUPERUSER")
    empty.sql(f"CREATE TABLE t (a integer); GRANT SELECT ON t TO {reader}; REVOKE SELECT ON t FROM {reader}")
    assert empty.sql("SELECT relacl IS NULL FROM pg_class WHERE relname = 't'") == "f"
    require_stable(empty)
    assert empty.called(f"{empty.name}_first").sql("SELECT relacl IS NULL FROM pg_class WHERE relname = 't'") == "t"


def test_the_order_of_inherited_columns_is_told_and_no_difference(empty: Database) -> None:
    empty.sql(
        "CREATE TABLE parent (a integer); CREATE TABLE child (b integer, a integer); INSERT INTO child VALUES (1, 2)"
    )
    empty.sql("ALTER TABLE child INHERIT parent; ALTER TABLE parent ADD c integer; UPDATE child SET c = 3")
    before, after = require_stable(empty)
    assert "inherited column order public.child" in "\n".join(fingerprint.information(before, after))


def test_a_materialized_view_that_was_stale_is_told_and_no_difference(empty: Database) -> None:
    empty.sql("CREATE TABLE t (a integer); CREATE MATERIALIZED VIEW m AS SELECT a FROM t; INSERT INTO t VALUES (1)")
    before, after = require_stable(empty)
    told = "materialized view public.m: 1 rows instead of 0 rows"
    assert fingerprint.information(before, after) == (told,)


def test_the_version_of_an_extension_that_jumps_is_told_and_no_difference(empty: Database) -> None:
    empty.sql("CREATE EXTENSION hstore VERSION '1.4'; CREATE TABLE t (a hstore); INSERT INTO t VALUES ('a=>1')")
    before, after = require_stable(empty)
    (line,) = fingerprint.information(before, after)
    assert line.startswith("extension version hstore is other than before: version is 1.")


def test_foreign_keys_that_were_disabled_are_told_and_no_difference(empty: Database) -> None:
    empty.sql("CREATE TABLE t (a integer PRIMARY KEY, b integer REFERENCES t); ALTER TABLE t DISABLE TRIGGER ALL")
    before, after = require_stable(empty)
    assert fingerprint.information(before, after) == ("disabled foreign key public.t.t_b_fkey is missing",)


def test_names_of_objects_in_columns_are_compared_by_name(empty: Database) -> None:
    empty.sql(
        """CREATE SCHEMA s; CREATE TABLE s.filler (a integer); DROP TABLE s.filler; CREATE TABLE s.t (a integer);
        CREATE FUNCTION s.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
        CREATE TABLE refs (a regclass, b regtype, c regprocedure, d regnamespace, e oid, f regclass[]);
        INSERT INTO refs VALUES ('s.t', 's.t', 's.f(integer)', 's', 16385, '{s.t,pg_class}')"""
    )
    oids = "SELECT a::oid, b::oid, c::oid, d::oid FROM refs"
    require_stable(empty)
    assert empty.sql(oids) != empty.called(f"{empty.name}_first").sql(oids)


def test_large_objects_come_back_with_their_content(empty: Database) -> None:
    empty.sql("SELECT lo_from_bytea(7001, ''), lo_from_bytea(7002, 'abc')")
    empty.sql("SELECT lo_from_bytea(7003, decode(repeat('00ff', 300000), 'hex')), lo_put(7002, 9000, 'behind a hole')")
    before, after = require_stable(empty)
    assert before.large_objects == after.large_objects
    sizes = {oid: text.partition(":")[0] for oid, text in before.large_objects.content.items()}
    assert sizes == {"7001": "0", "7002": "9013", "7003": "600000"}


def test_money_is_compared_by_its_value(empty: Database) -> None:
    empty.sql("CREATE TABLE t (a money); INSERT INTO t VALUES ('12.34')")
    before = of_source(empty)
    empty.admin(f"ALTER DATABASE {empty.name} SET lc_monetary = 'C.UTF-8'")
    assert fingerprint.differences(before, of_source(empty)) == ()


def test_settings_of_the_database_that_change_how_names_are_written_do_not_count(empty: Database) -> None:
    empty.sql("CREATE TABLE t (a text DEFAULT E'\\\\' CHECK (a <> 'it''s')); CREATE VIEW v AS SELECT a FROM t")
    empty.sql("CREATE TABLE refs (a regclass); INSERT INTO refs VALUES ('t')")
    before = of_source(empty)
    for setting in (
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "search_path = pg_catalog, public",
    ):
        empty.admin(f"ALTER DATABASE {empty.name} SET {setting}")
    assert fingerprint.differences(before, of_source(empty)) == ()


def test_names_of_constraints_that_follow_from_others_do_not_count(empty: Database) -> None:
    empty.sql(
        """CREATE TABLE target (id integer, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE target1 PARTITION OF target FOR VALUES FROM (0) TO (10);
        CREATE TABLE target2 PARTITION OF target FOR VALUES FROM (10) TO (20);
        CREATE TABLE refs (a integer CONSTRAINT mine REFERENCES target, b integer NOT NULL) PARTITION BY RANGE (b);
        CREATE TABLE refs1 (b integer NOT NULL, a integer CONSTRAINT own REFERENCES target);
        ALTER TABLE refs ATTACH PARTITION refs1 FOR VALUES FROM (0) TO (10);
        CREATE TABLE late (a integer); ALTER TABLE late ALTER a SET NOT NULL; ALTER TABLE late RENAME TO later;
        CREATE TABLE kept (a integer NOT NULL, b integer GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (a));
        ALTER TABLE kept RENAME a TO c; ALTER TABLE kept DROP CONSTRAINT kept_pkey;
        CREATE TABLE child () INHERITS (kept); CREATE TABLE like_it (LIKE kept INCLUDING ALL)"""
    )
    require_stable(empty)


def test_what_no_dump_carries_is_named_and_a_table_of_it_is_a_difference(empty: Database) -> None:
    empty.sql(
        """CREATE FUNCTION pg_catalog.mine(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
        ALTER TEXT SEARCH CONFIGURATION pg_catalog.english ALTER MAPPING FOR word WITH simple;
        CREATE EXTENSION hstore; CREATE TABLE made (a hstore); ALTER EXTENSION hstore ADD TABLE made"""
    )
    source, copy = of_source(empty), of_copy(round_trip(empty, f"{empty.name}_copy"))
    assert fingerprint.differences(source, copy) == ("table of an extension public.made is missing",)
    assert fingerprint.information(source, copy) == (
        "change of the system's text search configuration english is missing",
        "object among the system's function pg_catalog.mine(integer) is missing",
    )


def test_the_kinds_that_no_dump_carries_are_known() -> None:
    assert set(catalog.NOT_RESTORED) <= {case.kind for case in CHANGES}
