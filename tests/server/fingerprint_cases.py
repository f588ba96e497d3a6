# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes that a migration could make, at least one of every kind of object, and the words that must tell of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """
    :param kind: a kind of the catalog's, or ``content``.
    :param setup: what is there before.
    :param change: what a migration does.
    :param told: the difference, or the beginning of it.
    :param since: the first major that knows the statements.
    """

    kind: str
    setup: str
    change: str
    told: str
    since: int = 14


# What all of the cases may use; the role goes with the transaction.
BEFORE = """
CREATE ROLE fp_reader;
CREATE TABLE t (id integer PRIMARY KEY, a integer DEFAULT 1, b text, c varchar(20), n numeric);
INSERT INTO t VALUES (1, 1, 'one', 'x', 1.5), (2, 2, 'two', NULL, NULL);
CREATE VIEW v AS SELECT id, a FROM t WHERE a > 0;
CREATE FUNCTION f(x integer DEFAULT 1) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION eg() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
"""
_FDW = "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; "
_TYPE = "CREATE TYPE pair AS (x integer, y integer); "
_BOX = """CREATE FUNCTION less(pair, pair) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT ($1).x < ($2).x';
CREATE FUNCTION rank(pair, pair) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT ($1).x - ($2).x'; """
_PARSER = """CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
LEXTYPES = prsd_lextype, HEADLINE = prsd_headline); """
_PARTED = """CREATE TABLE parted (id integer NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (10); """
_LABELS = "SET LOCAL allow_system_table_mods = on; "

CHANGES = (
    # content
    Change("content", "", "UPDATE t SET b = 'ONE' WHERE id = 1", "table public.t has other content in its 2 rows"),
    Change("content", "", "INSERT INTO t VALUES (3)", "table public.t has 3 rows instead of 2"),
    Change("content", "", "UPDATE t SET b = '' WHERE id = 2", "table public.t has other content in its 2 rows"),
    Change("content", "", "UPDATE t SET c = '' WHERE id = 2", "table public.t has other content in its 2 rows"),
    Change(
        "content",
        "CREATE TABLE twice (a text); INSERT INTO twice VALUES ('x'), ('x'), ('y'), ('z')",
        "UPDATE twice SET a = 'y' WHERE a IN ('x')",
        "table public.twice has other content in its 4 rows",
    ),
    Change(
        "content",
        "CREATE TABLE padded (a bpchar); INSERT INTO padded VALUES ('x ')",
        "UPDATE padded SET a = 'x'",
        "table public.padded has other content in its 1 rows",
    ),
    Change(
        "content",
        "CREATE TABLE shadow (shadow text, t text, r text); INSERT INTO shadow VALUES ('a', 'b', 'c')",
        "UPDATE shadow SET r = 'd'",
        "table public.shadow has other content in its 1 rows",
    ),
    Change(
        "content",
        "CREATE TABLE parent (a integer); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (1)",
        "UPDATE child SET a = 2",
        "table public.child has other content in its 1 rows",
    ),
    Change(
        "content",
        _PARTED + "INSERT INTO parted VALUES (1), (2)",
        "UPDATE parted SET id = 3 WHERE id = 2",
        "table public.parted has other content in its 2 rows",
    ),
    Change(
        "content", "", "ALTER TABLE t RENAME b TO z", "table public.t has other columns in its 2 rows: b is missing"
    ),
    Change("content", "", "ALTER TABLE t DROP n", "table public.t has other columns in its 2 rows: n is missing"),
    Change("content", "", "DROP VIEW v; DROP TABLE t", "table public.t is missing (2 rows)"),
    Change("content", "", "CREATE TABLE u (a integer)", "table public.u was not there before"),
    Change("content", "CREATE SEQUENCE q", "SELECT nextval('q')", "sequence public.q is at 1,t instead of 1,f"),
    Change(
        "content",
        "SELECT lo_from_bytea(4242, 'abc')",
        "SELECT lo_put(4242, 1, 'x')",
        "large object 4242 has other content in its 3 bytes (before: 3)",
    ),
    Change(
        "content",
        "SELECT lo_from_bytea(4242, 'abc')",
        "SELECT lo_put(4242, 3, 'd')",
        "large object 4242 has other content in its 4 bytes (before: 3)",
    ),
    # schemas and what is in none
    Change("schema", "", "CREATE SCHEMA s", "schema s was not there before"),
    Change(
        "schema", "CREATE SCHEMA s", "GRANT USAGE ON SCHEMA s TO fp_reader", "schema s is other than before: privileges"
    ),
    Change("schema", "CREATE SCHEMA s", "COMMENT ON SCHEMA s IS 'x'", "schema s is other than before: comment is x"),
    Change(
        "schema", "CREATE SCHEMA s", "ALTER SCHEMA s OWNER TO fp_reader", "schema s is other than before: owner is fp_r"
    ),
    Change(
        "extension",
        "CREATE SCHEMA e; CREATE EXTENSION hstore SCHEMA e",
        "DROP EXTENSION hstore",
        "extension hstore is m",
    ),
    Change(
        "extension",
        "CREATE SCHEMA e; CREATE EXTENSION hstore SCHEMA e",
        "ALTER EXTENSION hstore SET SCHEMA public",
        "extension hstore is other than before: schema is public",
    ),
    Change(
        "extension version",
        "CREATE EXTENSION hstore VERSION '1.4'",
        "ALTER EXTENSION hstore UPDATE TO '1.8'",
        "extension version hstore is other than before: version is 1.8 instead of 1.4",
    ),
    Change("privilege", "", "GRANT SELECT ON pg_authid TO fp_reader", "privilege table pg_catalog.pg_authid was not"),
    Change(
        "privilege",
        "CREATE EXTENSION hstore",
        "REVOKE EXECUTE ON FUNCTION hstore(text, text) FROM PUBLIC",
        "privilege function public.hstore(pg_catalog.text,pg_catalog.text) was not there before",
    ),
    Change(
        "default privilege",
        "",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO fp_reader",
        "default privilege postgres in public on sequences was not there before",
    ),
    Change(
        "default privilege",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO fp_reader",
        "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO fp_reader",
        "default privilege postgres on tables is other than before",
    ),
    Change(
        "security label",
        "",
        _LABELS + "INSERT INTO pg_seclabel VALUES ('public.t'::regclass, 'pg_class'::regclass, 0, 'guard', 'secret')",
        "security label guard on table public.t was not there before",
    ),
    Change(
        "event trigger",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION eg()",
        "ALTER EVENT TRIGGER e DISABLE",
        "event trigger e is other than before: enabled is no instead of not set",
    ),
    Change(
        "event trigger",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION eg()",
        "COMMENT ON EVENT TRIGGER e IS 'x'",
        "event trigger e is other than before: comment is x",
    ),
    Change(
        "access method", "", "CREATE ACCESS METHOD m TYPE TABLE HANDLER heap_tableam_handler", "access method m was not"
    ),
    Change(
        "large object",
        "SELECT lo_from_bytea(4242, 'abc')",
        "GRANT SELECT ON LARGE OBJECT 4242 TO fp_reader",
        "large object 4242 is other than before: privileges",
    ),
    Change("large object", "", "SELECT lo_from_bytea(4242, 'abc')", "large object 4242 was not there before"),
    # relations
    Change(
        "relation",
        "",
        "ALTER TABLE t SET (fillfactor = 70)",
        "relation public.t is other than before: options is fillf",
    ),
    Change(
        "relation",
        "",
        "ALTER TABLE t SET (toast.autovacuum_enabled = off)",
        "relation public.t is other than before: opt",
    ),
    Change("relation", "", "ALTER TABLE t SET UNLOGGED", "relation public.t is other than before: unlogged is yes"),
    Change(
        "relation", "", "ALTER TABLE t OWNER TO fp_reader", "relation public.t is other than before: owner is fp_reader"
    ),
    Change(
        "relation", "", "GRANT SELECT ON t TO fp_reader", "relation public.t is other than before: privileges is fp_rea"
    ),
    Change(
        "relation", "", "REVOKE ALL ON t FROM postgres", "relation public.t is other than before: privileges is nobody"
    ),
    Change(
        "relation",
        "",
        "COMMENT ON TABLE t IS 'x'",
        "relation public.t is other than before: comment is x instead of not",
    ),
    Change(
        "relation",
        "",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "relation public.t is other than before: row security",
    ),
    Change(
        "relation",
        "",
        "ALTER TABLE t REPLICA IDENTITY FULL",
        "relation public.t is other than before: replica identity",
    ),
    Change(
        "relation",
        "",
        "CREATE OR REPLACE VIEW v AS SELECT id, a FROM t WHERE a >= 0",
        "relation public.v is other than before: definition is …",
    ),
    Change(
        "relation",
        "CREATE VIEW g AS SELECT 1 FROM t WHERE a = 1 AND (a = 2 OR a = 3)",
        "CREATE OR REPLACE VIEW g AS SELECT 1 FROM t WHERE (a = 1 AND a = 2) OR a = 3",
        "relation public.g is other than before: definition is …",
    ),
    Change(
        "relation", "", "ALTER VIEW v SET (security_barrier)", "relation public.v is other than before: options is sec"
    ),
    Change(
        "relation",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
        "REFRESH MATERIALIZED VIEW m WITH NO DATA",
        "relation public.m is other than before: populated is no",
    ),
    Change(
        "relation",
        _PARTED,
        "ALTER TABLE parted DETACH PARTITION part1",
        "relation public.part1 is other than before: p",
    ),
    Change(
        "relation",
        _FDW + "CREATE FOREIGN TABLE ft (a integer) SERVER s OPTIONS (x 'y')",
        "ALTER FOREIGN TABLE ft OPTIONS (SET x 'z')",
        "relation public.ft is other than before: foreign options is x=z",
    ),
    Change(
        "relation", _TYPE + "CREATE TABLE ty (x integer, y integer)", "ALTER TABLE ty OF pair", "relation public.ty is"
    ),
    Change("column", "", "ALTER TABLE t ADD z integer", "column public.t.z was not there before"),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER n TYPE numeric(10, 2)",
        "column public.t.n is other than before: type is numeric(10,2) inst",
    ),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER a SET DEFAULT 2",
        "column public.t.a is other than before: default is 2 instea",
    ),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "column public.t.a is other than before: not null is yes inste",
    ),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER b SET STORAGE EXTERNAL",
        "column public.t.b is other than before: storage is e",
    ),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER b SET COMPRESSION pglz",
        "column public.t.b is other than before: compression",
    ),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER b SET STATISTICS 7",
        "column public.t.b is other than before: statistics targe",
    ),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER b SET (n_distinct = 5)",
        "column public.t.b is other than before: options is n",
    ),
    Change(
        "column", "", 'ALTER TABLE t ALTER b TYPE text COLLATE "C"', "column public.t.b is other than before: collation"
    ),
    Change(
        "column",
        "",
        "GRANT UPDATE (b) ON t TO fp_reader",
        "column public.t.b is other than before: privileges is fp_re",
    ),
    Change("column", "", "COMMENT ON COLUMN t.b IS 'x'", "column public.t.b is other than before: comment is x"),
    Change(
        "column",
        "",
        "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "column public.t.id is other than before: identity is always instead of not set",
    ),
    Change(
        "column order",
        "CREATE TABLE o (a integer, b integer)",
        "ALTER TABLE o DROP a; ALTER TABLE o ADD a integer",
        "column order public.o is other than before: columns is b, a instead of a, b",
    ),
    Change(
        "inherited column order",
        "CREATE TABLE p (a integer); CREATE TABLE k (b integer) INHERITS (p)",
        "ALTER TABLE k NO INHERIT p; ALTER TABLE k DROP a; ALTER TABLE k ADD a integer; ALTER TABLE k INHERIT p",
        "inherited column order public.k is other than before: columns is b, a instead of a, b",
    ),
    Change("constraint", "", "ALTER TABLE t ADD CHECK (a > 0)", "constraint public.t.t_a_check was not there before"),
    Change(
        "constraint",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)",
        "ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
        "constraint public.t.k is other than before: definition is ",
    ),
    Change(
        "constraint",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES t",
        "ALTER TABLE t ALTER CONSTRAINT k DEFERRABLE INITIALLY DEFERRED",
        "constraint public.t.k is other than before: definition is ",
    ),
    Change(
        "constraint",
        "CREATE DOMAIN d AS integer CONSTRAINT k CHECK (VALUE > 0)",
        "ALTER DOMAIN d DROP CONSTRAINT k",
        "constraint public.d.k is missing",
    ),
    Change(
        "constraint",
        "",
        "COMMENT ON CONSTRAINT t_pkey ON t IS 'x'",
        "constraint public.t.t_pkey is other than before: c",
    ),
    Change(
        "not null constraint",
        "ALTER TABLE t ADD CONSTRAINT k NOT NULL a",
        "ALTER TABLE t RENAME CONSTRAINT k TO l",
        "not null constraint public.t.k is missing",
        since=18,
    ),
    Change(
        "column",
        "ALTER TABLE t ADD CONSTRAINT k NOT NULL a NO INHERIT",
        "ALTER TABLE t ALTER CONSTRAINT k INHERIT",
        "column public.t.a is other than before: not null is yes instead of NO INHERIT",
        since=18,
    ),
    Change("index", "", "CREATE INDEX i ON t (a)", "index public.i was not there before"),
    Change(
        "index", "CREATE INDEX i ON t (a)", "ALTER INDEX i SET (fillfactor = 70)", "index public.i is other than before"
    ),
    Change(
        "index",
        "CREATE INDEX i ON t (a)",
        "DROP INDEX i; CREATE INDEX i ON t (a) WHERE a > 0 AND (a < 5 OR a > 9)",
        "index public.i is other than before: definition is …",
    ),
    Change("index", "", "CLUSTER t USING t_pkey", "index public.t_pkey is other than before: clustered is yes"),
    Change(
        "index",
        "",
        "ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey",
        "index public.t_pkey is other than before: rep",
    ),
    Change(
        "index",
        "CREATE INDEX i ON t ((a + 1))",
        "ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 5",
        "index public.i is oth",
    ),
    Change(
        "index", "CREATE INDEX i ON t (a)", "COMMENT ON INDEX i IS 'x'", "index public.i is other than before: comment"
    ),
    Change(
        "invalid index",
        "CREATE INDEX i ON t (a)",
        _LABELS + "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass",
        "invalid index public.i was not there before",
    ),
    Change(
        "sequence",
        "CREATE SEQUENCE q",
        "ALTER SEQUENCE q INCREMENT 5",
        "sequence public.q is other than before: increm",
    ),
    Change(
        "sequence",
        "CREATE SEQUENCE q",
        "ALTER SEQUENCE q OWNED BY t.a",
        "sequence public.q is other than before: owned",
    ),
    Change(
        "sequence",
        "CREATE SEQUENCE q",
        "ALTER SEQUENCE q CYCLE",
        "sequence public.q is other than before: cycle is yes",
    ),
    Change(
        "trigger", "", "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION g()", "trigger public.t.x was not there"
    ),
    Change(
        "trigger",
        "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION g()",
        "ALTER TABLE t ENABLE ALWAYS TRIGGER x",
        "trigger public.t.x is other than before: enabled is always",
    ),
    Change(
        "disabled foreign key",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES t",
        "ALTER TABLE t DISABLE TRIGGER ALL",
        "disabled foreign key public.t.k was not there before",
    ),
    Change("rule", "", "CREATE RULE x AS ON DELETE TO t DO INSTEAD NOTHING", "rule public.t.x was not there before"),
    Change(
        "rule",
        "CREATE RULE x AS ON DELETE TO t DO INSTEAD NOTHING",
        "ALTER TABLE t DISABLE RULE x",
        "rule public.t.x is other than before: enabled is no",
    ),
    Change("policy", "", "CREATE POLICY x ON t USING (a > 0)", "policy public.t.x was not there before"),
    Change(
        "policy",
        "CREATE POLICY x ON t USING (a > 0)",
        "ALTER POLICY x ON t TO fp_reader USING (a > 1)",
        "policy public.t.x is other than before: roles is fp_reader instead of public; using is",
    ),
    Change(
        "statistics object", "", "CREATE STATISTICS x ON a, b FROM t", "statistics object public.x was not there before"
    ),
    Change(
        "statistics object", "CREATE STATISTICS x ON a, b FROM t", "ALTER STATISTICS x SET STATISTICS 5", "statistics o"
    ),
    # functions, types, operators
    Change("function", "", "DROP FUNCTION f", "function public.f(x integer) is missing"),
    Change(
        "function",
        "",
        "CREATE OR REPLACE FUNCTION f(x integer DEFAULT 1) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT x + 1'",
        "function public.f(x integer) is other than before: body is",
    ),
    Change(
        "function",
        "",
        "CREATE OR REPLACE FUNCTION f(x integer DEFAULT 2) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT x'",
        "function public.f(x integer) is other than before: arguments is x integer DEFAULT 2",
    ),
    Change(
        "function",
        "",
        "ALTER FUNCTION f STABLE",
        "function public.f(x integer) is other than before: volatility is stab",
    ),
    Change("function", "", "ALTER FUNCTION f COST 7", "function public.f(x integer) is other than before: cost is 7"),
    Change(
        "function",
        "",
        "ALTER FUNCTION f SECURITY DEFINER",
        "function public.f(x integer) is other than before: security",
    ),
    Change(
        "function",
        "",
        "ALTER FUNCTION f SET work_mem = '1MB'",
        "function public.f(x integer) is other than before: sett",
    ),
    Change(
        "function",
        "",
        "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC",
        "function public.f(x integer) is other than before: p",
    ),
    Change(
        "function",
        "CREATE FUNCTION h() RETURNS boolean RETURN 1 = 1",
        "CREATE OR REPLACE FUNCTION h() RETURNS boolean RETURN 1 = 2",
        "function public.h() is other than before: sql body is",
    ),
    Change(
        "function", "", "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'", "function public.p() was not there before"
    ),
    Change(
        "aggregate",
        "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0')",
        "CREATE OR REPLACE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '5')",
        "aggregate public.total(integer) is other than before: initial value is 5 instead of 0",
    ),
    Change("language", "", "CREATE LANGUAGE mine HANDLER plpgsql_call_handler", "language mine was not there before"),
    Change(
        "language",
        "CREATE LANGUAGE mine HANDLER plpgsql_call_handler",
        "ALTER LANGUAGE mine OWNER TO fp_reader",
        "lang",
    ),
    Change(
        "transform",
        "CREATE FUNCTION tr(internal) RETURNS internal IMMUTABLE LANGUAGE internal AS 'boolout'; " + _TYPE,
        "CREATE TRANSFORM FOR pair LANGUAGE sql (FROM SQL WITH FUNCTION tr(internal))",
        "transform public.pair for sql was not there before",
    ),
    Change(
        "cast", _TYPE, "CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT", "cast public.pair as text was not there b"
    ),
    Change(
        "cast",
        _TYPE + "CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT",
        "DROP CAST (pair AS text); CREATE CAST (pair AS text) WITH INOUT AS IMPLICIT",
        "cast public.pair as text is other than before: context is implicit instead of assignment",
    ),
    Change(
        "type", "CREATE TYPE e AS ENUM ('a')", "ALTER TYPE e ADD VALUE 'b'", "type public.e is other than before: label"
    ),
    Change(
        "type",
        "CREATE DOMAIN d AS integer",
        "ALTER DOMAIN d SET DEFAULT 5",
        "type public.d is other than before: default",
    ),
    Change(
        "type",
        "CREATE DOMAIN d AS integer",
        "ALTER DOMAIN d SET NOT NULL",
        "type public.d is other than before: not nul",
    ),
    Change("type", _TYPE, "ALTER TYPE pair ADD ATTRIBUTE z integer", "column public.pair.z was not there before"),
    Change(
        "type",
        "CREATE TYPE span AS RANGE (SUBTYPE = integer)",
        "DROP TYPE span; CREATE TYPE span AS RANGE (SUBTYPE = bigint)",
        "type public.span is other than before: range is bigint",
    ),
    Change("type", "", "CREATE TYPE shell", "type public.shell was not there before"),
    Change(
        "operator",
        _TYPE + _BOX,
        "CREATE OPERATOR << (LEFTARG = pair, RIGHTARG = pair, FUNCTION = less)",
        "operator pub",
    ),
    Change(
        "operator",
        _TYPE + _BOX + "CREATE OPERATOR << (LEFTARG = pair, RIGHTARG = pair, FUNCTION = less)",
        "ALTER OPERATOR << (pair, pair) SET (RESTRICT = scalarltsel)",
        'operator public."<<"(public.pair, public.pair) is other than before: restrict is',
    ),
    Change(
        "shell operator",
        _TYPE + _BOX + "CREATE OPERATOR << (LEFTARG = pair, RIGHTARG = pair, FUNCTION = less, NEGATOR = >>=)",
        "DROP OPERATOR >>= (pair, pair)",
        'shell operator public.">>="(public.pair, public.pair) is missing',
    ),
    Change(
        "object among the system's",
        "",
        "CREATE FUNCTION pg_catalog.mine(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'",
        "object among the system's function pg_catalog.mine(integer) was not there before",
    ),
    Change(
        "change of the system's",
        "ALTER TEXT SEARCH CONFIGURATION pg_catalog.english ALTER MAPPING FOR word WITH simple",
        "ALTER TEXT SEARCH CONFIGURATION pg_catalog.english ALTER MAPPING FOR hword WITH simple",
        "change of the system's text search configuration english is other than before: mapping is",
    ),
    Change(
        "table of an extension",
        "CREATE EXTENSION hstore; CREATE TABLE made (a hstore)",
        "ALTER EXTENSION hstore ADD TABLE made",
        "table of an extension public.made was not there before",
    ),
    Change(
        "operator class",
        _TYPE + _BOX,
        "CREATE OPERATOR CLASS oc FOR TYPE pair USING btree AS FUNCTION 1 rank(pair, pair)",
        "operator class public.oc using btree was not there before",
    ),
    Change(
        "operator family",
        "",
        "CREATE OPERATOR FAMILY fam USING btree",
        "operator family public.fam using btree was not",
    ),
    Change(
        "operator family",
        _TYPE + _BOX + "CREATE OPERATOR FAMILY fam USING btree",
        "ALTER OPERATOR FAMILY fam USING btree ADD FUNCTION 1 (pair, pair) rank(pair, pair)",
        "operator family public.fam using btree is other than before: functions is 1 public.rank",
    ),
    Change("collation", "", 'CREATE COLLATION l FROM "C"', "collation public.l was not there before"),
    Change(
        "collation",
        'CREATE COLLATION l FROM "C"',
        "COMMENT ON COLLATION l IS 'x'",
        "collation public.l is other than before",
    ),
    Change(
        "conversion",
        "",
        "CREATE CONVERSION k FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "conversion public.k was not there before",
    ),
    # text search
    Change("text search parser", "", _PARSER, "text search parser public.p was not there before"),
    Change(
        "text search template", "", "CREATE TEXT SEARCH TEMPLATE x (LEXIZE = dsimple_lexize)", "text search template pu"
    ),
    Change(
        "text search dictionary",
        "CREATE TEXT SEARCH DICTIONARY y (TEMPLATE = simple)",
        "ALTER TEXT SEARCH DICTIONARY y (ACCEPT = false)",
        "text search dictionary public.y is other than before: options is accept = ",
    ),
    Change(
        "text search configuration",
        "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)",
        "ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH english_stem",
        "text search configuration public.c is other than before: mapping is asciiword: simple; word: english",
    ),
    # foreign data
    Change(
        "foreign data wrapper", _FDW, "ALTER FOREIGN DATA WRAPPER w OPTIONS (a 'b')", "foreign data wrapper w is other"
    ),
    Change(
        "foreign server",
        _FDW,
        "ALTER SERVER s OPTIONS (host 'x')",
        "foreign server s is other than before: options is h",
    ),
    Change(
        "user mapping",
        _FDW,
        "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (a 'b')",
        "user mapping public on s was n",
    ),
    Change(
        "user mapping",
        _FDW + "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'b')",
        "ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET password 'c')",
        "user mapping public on s is other than before: values is",
    ),
    # replication
    Change("publication", "", "CREATE PUBLICATION p FOR TABLE t", "publication p was not there before"),
    Change(
        "publication", "CREATE PUBLICATION p", "ALTER PUBLICATION p SET (publish = 'insert')", "publication p is other"
    ),
    Change(
        "publication", "CREATE PUBLICATION p", "ALTER PUBLICATION p ADD TABLES IN SCHEMA public", "publication p is", 15
    ),
    Change(
        "published table",
        "CREATE PUBLICATION p",
        "ALTER PUBLICATION p ADD TABLE t",
        "published table p: public.t was no",
    ),
    Change(
        "published table",
        "CREATE PUBLICATION p FOR TABLE t (id, a) WHERE (id > 1)",
        "ALTER PUBLICATION p SET TABLE t (id) WHERE (id > 2)",
        "published table p: public.t is other than before: columns is id instead of a, id; where is",
        15,
    ),
    Change(
        "subscription",
        "",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)",
        "subscription s was not there before",
    ),
)
