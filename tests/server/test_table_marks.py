# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was done to a table is seen without reading it, and what was done to no table is not taken for it."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import cutover, table_marks
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.table_marks import Marks
from ansible_collections.pgsafe.migration.tests.server.support import Database

OBJECTS = """
CREATE TABLE parted (a integer, b text) PARTITION BY LIST (a);
CREATE TABLE parted_one PARTITION OF parted FOR VALUES IN (1) PARTITION BY RANGE (a);
CREATE TABLE parted_one_leaf PARTITION OF parted_one DEFAULT;
CREATE TABLE parted_two PARTITION OF parted FOR VALUES IN (2);
CREATE TABLE apart (a integer, b text);
CREATE TABLE parent (id integer PRIMARY KEY);
CREATE TABLE child (id integer REFERENCES parent ON DELETE CASCADE, email text);
CREATE TABLE "Odd schema.t" (a integer, b text);
CREATE FUNCTION positive(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE DOMAIN named AS text;
CREATE TABLE checked (a integer CHECK (positive(a)), b named);
INSERT INTO parted SELECT 1 + i % 2, 'p' FROM generate_series(1, 20) AS i;
INSERT INTO parent SELECT generate_series(1, 5);
INSERT INTO child SELECT generate_series(1, 5);
INSERT INTO apart SELECT i, 'x' FROM generate_series(1, 5) AS i;
INSERT INTO "Odd schema.t" VALUES (1, 'o');
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO apart VALUES (0); RETURN NEW; END';
CREATE TRIGGER noted AFTER INSERT ON checked FOR EACH ROW EXECUTE FUNCTION noted();
"""

PARTED, APART, CHECKED = "public.parted", "public.apart", "public.checked"
PARENT, CHILD = "public.parent", "public.child"
ODD = "public.Odd schema.t"

TOUCHES: dict[str, set[str]] = {
    "INSERT INTO apart VALUES (6)": {APART},
    "UPDATE apart SET b = b": {APART},
    "DELETE FROM apart WHERE a = 1": {APART},
    "BEGIN; DELETE FROM apart; ROLLBACK": {APART},
    "COPY apart FROM PROGRAM 'echo 7,seven' (FORMAT csv)": {APART},
    'DELETE FROM "Odd schema.t"': {ODD},
    "TRUNCATE apart": {APART},
    "ALTER TABLE apart ALTER a TYPE bigint": {APART},
    "ALTER TABLE apart ADD c integer DEFAULT 1": {APART},
    "ALTER TABLE apart DROP b": {APART},
    "ALTER TABLE apart RENAME TO renamed": {APART, "public.renamed"},
    "ALTER TABLE renamed RENAME TO apart": {APART, "public.renamed"},
    "CREATE TABLE made AS SELECT 1 AS a": {"public.made"},
    "DROP TABLE made": {"public.made"},
    "CREATE UNIQUE INDEX apart_c ON apart (c) WHERE false": {APART},
    "DELETE FROM parent WHERE id = 1": {PARENT, CHILD},
    "DELETE FROM parted_one_leaf WHERE b = 'p'": {PARTED},
    "UPDATE parted SET a = 1 WHERE a = 2": {PARTED},
    "TRUNCATE parted_two": {PARTED},
    "CREATE TABLE parted_three PARTITION OF parted FOR VALUES IN (3)": {PARTED},
    "ALTER TABLE parted DETACH PARTITION parted_three": {PARTED, "public.parted_three"},
    "INSERT INTO checked VALUES (1, 'n')": {CHECKED, APART},
    "ALTER TABLE child ADD CONSTRAINT more CHECK (id > 0) NOT VALID": {CHILD},
    "ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES parent NOT VALID": {CHILD, PARENT},
    "ALTER TABLE child VALIDATE CONSTRAINT more": {CHILD},
    # Nothing that a rule, or a count of rows, would see.
    "ANALYZE": set(),
    "VACUUM": set(),
    "SELECT count(*) FROM parted; SELECT setval(pg_get_serial_sequence('customers', 'id'), 60)": set(),
    "CREATE VIEW seen AS SELECT a FROM apart; REFRESH MATERIALIZED VIEW CONCURRENTLY nothing": set(),
    "CREATE FUNCTION another() RETURNS integer LANGUAGE sql AS 'SELECT 1'": set(),
    "CREATE DOMAIN other AS text CHECK (value <> '')": set(),
}
# What may change what is found in the rows of any table.
SHARED = (
    "CREATE OR REPLACE FUNCTION positive(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 1'",
    "ALTER DOMAIN named ADD CONSTRAINT filled CHECK (value <> '') NOT VALID",
    "DROP FUNCTION another()",
    "SELECT pg_stat_reset()",
)


def marks(database: Database) -> Marks:
    with session(database.target, WRITING) as server:
        cutover.end_sessions(server, database.name)
        return table_marks.take(server)


@pytest.mark.every_server
def test_what_is_done_to_a_table_is_seen_and_nothing_else(database: Database) -> None:
    database.sql(OBJECTS + "CREATE MATERIALIZED VIEW nothing AS SELECT 1 AS a; CREATE UNIQUE INDEX ON nothing (a)")
    before = marks(database)
    assert before.statistics is not None
    found: dict[str, object] = {}
    for done in TOUCHES:
        database.sql(done)
        after = marks(database)
        found[done], before = table_marks.touched(before, after), after
    assert found == TOUCHES


@pytest.mark.every_server
def test_what_every_table_may_be_made_of_touches_all(database: Database) -> None:
    database.sql(OBJECTS + "CREATE FUNCTION another() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    for done in SHARED:
        before = marks(database)
        database.sql(done)
        assert table_marks.touched(before, marks(database)) is None, done
    database.admin(f"ALTER DATABASE {database.name} SET track_counts = off")
    before = marks(database)
    assert table_marks.touched(before, before) is None
