# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is more than tables: it comes back by either format, and what the manifest says of it keeps to its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, differences, new_roles
from ansible_collections.pgsafe.migration.tests.server.support import TREE, Database, back_up
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

OBJECTS = r"""
SELECT lo_from_bytea(4242, '\x00ff27'), lo_from_bytea(4243, '');
COMMENT ON LARGE OBJECT 4242 IS 'a picture';
GRANT SELECT ON LARGE OBJECT 4242 TO {role};
COMMENT ON TABLE customers IS E'it''s "them"\nall';
COMMENT ON COLUMN customers.name IS 'how they are called';
GRANT SELECT (name), UPDATE (note) ON customers TO {role};
GRANT USAGE ON SCHEMA "Odd Schema" TO {role} WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION spent(bigint) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role};
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch_tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION noted();
ALTER EVENT TRIGGER watch_tables DISABLE;
CREATE PUBLICATION chosen FOR TABLE customers (id, name) WHERE (id > 10) WITH (publish = 'insert');
CREATE DOMAIN positive AS integer DEFAULT 1 NOT NULL CONSTRAINT more_than_nothing CHECK (VALUE > 0);
CREATE COLLATION plain FROM "C";
CREATE TABLE sorted (a text COLLATE plain, b positive);
INSERT INTO sorted VALUES ('b', 2), ('B', DEFAULT);
CREATE STATISTICS together ON id, name FROM customers;
ALTER TABLE customers ALTER COLUMN name SET STATISTICS 7, SET (fillfactor = 70);
ALTER TABLE orders OWNER TO {role};
CREATE EXTENSION hstore;
CREATE RULE silent AS ON DELETE TO empty_one DO INSTEAD NOTHING;
COMMENT ON DATABASE {database} IS 'the one and only';
ALTER DATABASE {database} CONNECTION LIMIT 17;
ALTER DATABASE {database} SET search_path = public, "Odd Schema";
ALTER DATABASE {database} SET work_mem = '7MB';
ALTER DATABASE {database} SET app.greeting = 'it''s me';
ALTER ROLE {role} IN DATABASE {database} SET statement_timeout = '3s';
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role} WITH GRANT OPTION;
"""

# Each gives the same text in a copy as in the original.
QUESTIONS = """
SELECT oid, lo_get(oid), obj_description(oid, 'pg_largeobject'), lomacl FROM pg_largeobject_metadata ORDER BY oid;
SELECT obj_description('customers'::regclass), col_description('customers'::regclass, 2);
SELECT relname, relacl, pg_get_userbyid(relowner), reloptions FROM pg_class
 WHERE relnamespace = 'public'::regnamespace ORDER BY relname;
SELECT attname, attacl, attstattarget > 0 FROM pg_attribute WHERE attrelid = 'customers'::regclass ORDER BY attname;
SELECT nspname, nspacl FROM pg_namespace WHERE nspname IN ('public', 'Odd Schema') ORDER BY 1;
SELECT proname, proacl FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname IN ('spent', 'noted')
 ORDER BY 1;
SELECT pg_get_userbyid(defaclrole), defaclobjtype, defaclacl FROM pg_default_acl;
SELECT evtname, evtevent, evtenabled, evttags, evtfoid::regproc FROM pg_event_trigger;
SELECT p.pubname, p.pubinsert, p.pubupdate, t.attnames, t.rowfilter FROM pg_publication p
  JOIN pg_publication_tables t USING (pubname);
SELECT typdefault, typnotnull,
       (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = t.oid AND contype = 'c')
  FROM pg_type t WHERE typname = 'positive';
SELECT attcollation::regcollation FROM pg_attribute WHERE attrelid = 'sorted'::regclass AND attname = 'a';
SELECT stxname, stxkeys FROM pg_statistic_ext;
SELECT 'a=>1'::hstore;
SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename = 'silent';
SELECT datconnlimit, shobj_description(oid, 'pg_database'),
       ARRAY(SELECT unnest(datacl)::text ORDER BY 1), pg_encoding_to_char(encoding), datcollate
  FROM pg_database WHERE datname = current_database();
SELECT COALESCE(setrole::regrole::text, ''), ARRAY(SELECT unnest(setconfig) ORDER BY 1) FROM pg_db_role_setting
 WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1;
SHOW search_path;
SHOW work_mem;
SHOW app.greeting;
"""


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


@pytest.mark.fault(27)
@pytest.mark.every_major
def test_everything_that_is_no_table_comes_back_by_either_format(
    roles: Roles, database: Database, backup_root: Path
) -> None:
    database.sql(OBJECTS.format(role=roles("app_reader", "NOSUPERUSER"), database=database.name))
    before = database.sql(QUESTIONS)
    assert "the one and only" in before
    taken = back_up(database, backup_root)
    for method in ("archive", "script"):
        copy = database.called(f"{database.name}_{method}")
        restored = restore.run(requests.restore(database.target, taken.directory, copy.name))
        assert restored.method == method
        assert copy.sql(QUESTIONS) == before
        assert differences(taken.manifest, copy) == ()
        with (taken.directory / "full_backup.dump").open("ab") as archive:
            archive.write(b"spoilt, so that the script has its turn")


@pytest.mark.every_major
def test_the_manifest_keeps_to_its_published_schema(roles: Roles, database: Database, backup_root: Path) -> None:
    database.sql(OBJECTS.format(role=roles("app_reader", "NOSUPERUSER"), database=database.name))
    found = json.loads((back_up(database, backup_root).directory / "manifest.json").read_text())
    schema = json.loads((TREE / "docs" / "manifest.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(found)] == []
    for name in found:
        assert not validator.is_valid({key: value for key, value in found.items() if key != name})
    assert not validator.is_valid({**found, "password": "secret"})
