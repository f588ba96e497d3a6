# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of a backup that match a condition: the same from each format, and nothing else is touched."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, QueryFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.tables import extract
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, databases
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

ODD = 'Odd Schema.Odd "T" x'
CASES = {
    "customers": ("id % 4 = 2 -- two lines, quoted", 15),
    "orders": ("customer_id = 7 AND placed < '2026-01-01' AND doubled > 0", 6),
    ODD: ('"b=c" IS NULL', 1),
}


@pytest.mark.every_major
def test_rows_that_match_are_the_same_from_each_format(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql("ALTER TABLE customers ADD COLUMN money text DEFAULT E'\\\\. ; $$ '' {x} %s \\n'")
    taken = back_up(database, backup_root)
    before = database.fingerprint()
    for number, (table, (condition, count)) in enumerate(CASES.items()):
        found = set()
        for source in ("archive", "script", "csv"):
            dest = tmp_path / f"{number}_{source}.csv"
            asked = requests.extract(database.target, taken.directory, table, condition, dest, source=source)
            assert extract.run(asked).rows == count
            with dest.open(newline="") as lines:
                header, *records = csv.reader(lines)
            assert len(records) == count
            found.add((tuple(header), *sorted(map(tuple, records))))
        assert len(found) == 1
        sql = tmp_path / f"{number}.sql"
        asked = requests.extract(database.target, taken.directory, table, condition, sql, form="sql")
        assert extract.run(asked).rows == count
        beside = replace(asked, dest=None, form="table", schema="side")
        assert extract.run(beside).rows == count
        schema, _dot, name = table.rpartition(".")
        side, live = f'side."{_quoted(name)}"', f'"{schema or "public"}"."{_quoted(name)}"'
        assert database.sql(f"TABLE {side} EXCEPT ALL SELECT * FROM {live}") == ""
        assert database.sql(f"SELECT count(*) FROM {side}") == str(count)
        with pytest.raises(Refused, match="schema side already"):
            extract.run(beside)
        database.sql("DROP SCHEMA side CASCADE")
    assert database.fingerprint() == before

    database.sql("""
        ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;
        DELETE FROM orders WHERE customer_id = 7 AND placed < '2026-01-01';
        DELETE FROM customers WHERE id % 4 = 2;
        DELETE FROM "Odd Schema"."Odd ""T"" x" WHERE "b=c" IS NULL;
    """)
    for number in range(len(CASES)):
        database.sql((tmp_path / f"{number}.sql").read_text())
    assert database.fingerprint().tables == before.tables
    assert not [name for name in databases(database.server) if name.startswith(f"{database.name}__")]


def _quoted(name: str) -> str:
    return name.replace('"', '""')


def test_a_condition_that_is_more_or_fails_writes_nothing(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken, dest = back_up(database, backup_root), tmp_path / "rows"
    asked = requests.extract(database.target, taken.directory, "customers", "true", dest)
    with pytest.raises(BadRequest, match="not one SQL expression"):
        extract.run(replace(asked, condition="true) TO PROGRAM 'false' --"))
    with pytest.raises(BadRequest, match="no absolute path"):
        extract.run(replace(asked, dest=Path("rows")))
    for condition, message in (
        ("no_such_column = 1", "no_such_column"),
        ("lo_create(4711) > 0", "read-only"),
        ("spent(id) > 0", "spent"),
    ):
        for form in (asked, replace(asked, dest=None, form="table", schema="side")):
            with pytest.raises(QueryFailed, match=message):
                extract.run(replace(form, condition=condition))
    for wrong in (replace(asked, dest=None), replace(asked, form="table")):
        with pytest.raises(BadRequest, match="need a dest, and table has none"):
            extract.run(wrong)
    assert database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'side'") == "0"
    assert list(tmp_path.glob("rows*")) == []
    assert extract.plan(asked).of == 60
    dest.write_text("mine")
    with pytest.raises(Refused, match="exists already"):
        extract.run(asked)
    assert dest.read_text() == "mine"
    assert not [name for name in databases(database.server) if name.startswith(f"{database.name}__")]
