# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two databases are compared row by row, and the statements that are written make them equal."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import run as compare
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import Database

# What makes merging and writing hard: keys of text in another order than that of bytes, values that want quoting, a key
# of two columns, a generated column, partitions, an identity column, a unique key instead of a primary one, and none.
SCHEMA = r"""
CREATE SCHEMA "Odd ""Schema"" x";
CREATE TABLE "Odd ""Schema"" x".words
  (word text PRIMARY KEY, "it's" text, size int GENERATED ALWAYS AS (length(word)) STORED);
INSERT INTO "Odd ""Schema"" x".words VALUES
  ('a', NULL), ('B', E'two\nlines'), ('é', '\ and '' :x'), ('zz', '"'), ('z,z', '');
CREATE TABLE pairs (a int, b date, data jsonb, tags text[], PRIMARY KEY (b, a)) PARTITION BY RANGE (b);
CREATE TABLE pairs_1 PARTITION OF pairs FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE pairs_2 PARTITION OF pairs DEFAULT;
INSERT INTO pairs SELECT i, date '2026-01-25' + i % 14, jsonb_build_object('n', i), ARRAY['x', NULL]
  FROM generate_series(1, 1200) i;
CREATE TABLE numbered
  (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, amount money, raw bytea, f float8);
INSERT INTO numbered (at, amount, raw, f)
SELECT timestamptz '2026-01-01 00:00+00' + i * interval '1 h', i::int::money, '\x00ff', i / 3.0
  FROM generate_series(1, 40) i;
CREATE TABLE by_code (code text NOT NULL UNIQUE, n int);
INSERT INTO by_code VALUES ('x', 1), ('y', 2);
CREATE TABLE loose (n int);
INSERT INTO loose VALUES (1), (1), (1), (2);
"""
CHANGES = r"""
DELETE FROM "Odd ""Schema"" x".words WHERE word IN ('a', 'é');
UPDATE "Odd ""Schema"" x".words SET "it's" = 'changed' WHERE word = 'zz';
INSERT INTO "Odd ""Schema"" x".words VALUES ('Z', 'new');
UPDATE pairs SET data = '{}', tags = NULL WHERE a <= 30;
DELETE FROM pairs WHERE a > 1190;
DELETE FROM numbered WHERE id = 7;
UPDATE numbered SET raw = NULL, f = 'NaN', amount = '-5' WHERE id = 8;
UPDATE by_code SET n = 3 WHERE code = 'y';
DELETE FROM loose WHERE ctid = (SELECT ctid FROM loose WHERE n = 1 LIMIT 1);
INSERT INTO loose VALUES (9);
"""


def _request(here: Database, there: Database, **options: object) -> compare.CompareRequest:
    plain = compare.CompareRequest(here.target, there.name, (), 20, None, None, ("insert", "update", "delete"))
    return replace(plain, **options)  # type: ignore[arg-type]  # of any field


@pytest.fixture
def pair(database: Database, clone: Callable[[str], Database]) -> tuple[Database, Database]:
    """A database that was changed, and what it was before."""
    before = clone("small")
    for side in (database, before):
        side.sql(SCHEMA)
    database.sql(CHANGES)
    return database, before


@pytest.mark.every_major
def test_two_databases_are_compared_by_their_keys_and_made_equal_by_the_statements(
    pair: tuple[Database, Database], tmp_path: Path
) -> None:
    here, there = pair
    keys, statements = tmp_path / "keys.csv", tmp_path / "back.sql"
    found = compare.run(_request(here, there, keys_file=keys, statements_file=statements, shown=3))
    differing = {table.label: table for table in found.tables if not table.equal}
    assert {label: dict(table.counts) for label, table in differing.items()} == {
        'Odd "Schema" x.words': {"only_here": 1, "only_there": 2, "different": 1},
        "public.by_code": {"only_here": 0, "only_there": 0, "different": 1},
        "public.loose": {"only_here": 1, "only_there": 1, "different": 0},
        "public.numbered": {"only_here": 0, "only_there": 1, "different": 1},
        "public.pairs": {"only_here": 0, "only_there": 10, "different": 30},
    }
    assert not found.equal
    assert differing['Odd "Schema" x.words'].shown["only_there"] == ("(a)", "(é)")
    assert differing["public.numbered"].key == ("id",)
    assert differing["public.by_code"].key == ("code",)
    assert differing["public.loose"].key == ()
    assert (differing["public.pairs"].rows_here, differing["public.pairs"].rows_there) == (1190, 1200)
    assert len(differing["public.pairs"].shown["different"]) == 3
    with keys.open(encoding="utf-8", newline="") as lines:
        listed = list(csv.reader(lines))
    assert len(listed) == 1 + 4 + 1 + 2 + 40
    assert ["public.numbered", "only_there", "(7)"] in listed
    assert statements.stat().st_mode & 0o777 == 0o600

    assert here.sql("SELECT count(*) FROM pairs") == "1190"
    here.sql(f"\\i {statements}")
    again = compare.run(_request(here, there))
    assert [table.label for table in again.tables if not table.equal] == ["public.loose"]


def test_what_only_one_side_has_is_said_and_other_columns_are_compared(
    database: Database, clone: Callable[[str], Database]
) -> None:
    other = clone("small")
    database.sql("CREATE TABLE mine ()")
    database.sql("ALTER TABLE customers ADD COLUMN extra int, DROP COLUMN name CASCADE")
    found = compare.run(_request(database, other))
    assert (found.only_here, found.only_there) == (("public.mine",), ())
    customers = next(table for table in found.tables if table.label == "public.customers")
    assert (customers.columns_here, customers.columns_there) == (("extra",), ("name",))
    assert not any(customers.counts.values())
    assert compare.run(_request(database, other, tables=("orders",))).equal


def test_a_comparison_refuses_what_it_cannot_do_and_leaves_no_file(
    database: Database, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    other, file = clone("small"), tmp_path / "back.sql"
    with pytest.raises(BadRequest, match="compared with itself"):
        compare.run(_request(database, database))
    with pytest.raises(BadRequest, match="No table is compared"):
        compare.run(_request(database, other, tables=("nothing",), statements_file=file))
    assert list(tmp_path.iterdir()) == []
    file.write_text("mine")
    with pytest.raises(BadRequest, match="exists already"):
        compare.run(_request(database, other, statements_file=file))
    other.sql(
        "CREATE ROLE compared_owner; CREATE FUNCTION harm(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS "
        "$$BEGIN RAISE 'run'; END$$; ALTER FUNCTION harm(int) OWNER TO compared_owner; "
        "CREATE TABLE trap (id int); CREATE INDEX ON trap (harm(id))"
    )
    try:
        with pytest.raises(Refused, match="would run functions of other roles"):
            compare.run(_request(database, other))
    finally:
        other.sql("DROP TABLE trap; DROP FUNCTION harm(int); DROP ROLE compared_owner")


def test_the_playbook_compares_and_writes_statements(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    other = clone("small")
    database.sql("DELETE FROM orders WHERE id % 2 = 0; UPDATE customers SET name = 'x' WHERE id = 1")
    hosts = {"one": database.variables(backup_root)}
    file = ansible.home / "back.sql"
    options = ["-e", f"pg_migrate_other_db={other.name}", "-e", f"pg_migrate_statements_file={file}"]
    foreseen = ansible.play(hosts, *options, "--check", playbook="pgsafe.migration.compare")
    assert foreseen.status == 0, foreseen.output
    assert not file.exists()
    played = ansible.play(hosts, *options, playbook="pgsafe.migration.compare")
    assert played.status == 0, played.output
    assert f"[✗] {database.name} and {other.name}: tables that differ: 2, equal: " in played.flat
    assert f"only in {other.name}, by (id, placed): (10,2025-01-11), (100,2025-04-11)" in played.flat, played.output
    assert "different, by (id): (1)" in played.flat
    assert 'UPDATE "public"."customers" SET "name" = ' in file.read_text()
