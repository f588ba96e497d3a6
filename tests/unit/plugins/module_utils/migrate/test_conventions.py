# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migration files are found, ordered and read as the tools do that people come from."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import conventions
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.conventions import Marked

TREES = {
    "numbers": (["10_c.sql", "2_b.sql", "1_a.sql"], ["1_a.sql", "2_b.sql", "10_c.sql"]),
    "dotted": (["1.10.sql", "1.2.sql", "1.sql"], ["1.sql", "1.2.sql", "1.10.sql"]),
    "dates": (["20260201000000_b.sql", "20260101000000_a.sql"], ["20260101000000_a.sql", "20260201000000_b.sql"]),
    "names": (["b.sql", "a.sql"], ["a.sql", "b.sql"]),
    "numbers before names": (["seed.sql", "2.sql"], ["2.sql", "seed.sql"]),
    "a number in the name": (["a10.sql", "a9.sql"], ["a10.sql", "a9.sql"]),
    "what is included": (["1.sql", "lib/2.sql", "notes.txt", ".x.sql", ".git/3.sql"], ["1.sql"]),
    "flyway": (
        ["V10__c.sql", "V2__b.sql", "old/V1.5__a.sql", "R__z.sql", "R__a.sql", "U2__b.sql", ".git/V9__x.sql"],
        ["old/V1.5__a.sql", "V2__b.sql", "V10__c.sql", "R__a.sql", "R__z.sql"],
    ),
    "flyway's underscores": (["V1_10__b.sql", "V1_2__a.sql"], ["V1_2__a.sql", "V1_10__b.sql"]),
    "golang-migrate": (["2_b.up.sql", "2_b.down.sql", "1_a.down.sql", "1_a.up.sql"], ["1_a.up.sql", "2_b.up.sql"]),
}


@pytest.mark.parametrize("case", TREES)
def test_the_files_of_a_directory_run_in_the_order_of_their_versions(case: str) -> None:
    tree, order = TREES[case]
    assert conventions.chosen(tree) == order


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (["001_a.sql", "1_b.sql"], "001_a.sql and 1_b.sql have the same version 1"),
        (["V1__a.sql", "x/V1.0__b.sql"], "V1__a.sql and x/V1.0__b.sql have the same version 1"),
        (["V1__a.sql", "seed.sql"], "seed.sql: next to files"),
        (["V1__a.sql", "beforeMigrate.sql"], "beforeMigrate.sql: next to files"),
        (["V1__a.sql", "B2__b.sql"], "baseline migrations of Flyway"),
    ],
)
def test_files_whose_order_or_meaning_is_open_are_refused(tree: list[str], why: str) -> None:
    with pytest.raises(BadRequest, match=why) as refused:
        conventions.chosen(tree)
    assert "pg_migrate_files" in refused.value.remedy


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("1.sql", "SELECT 1;", Marked(True, False)),
        ("1.sql", "-- pgsafe: no-transaction\nVACUUM;", Marked(False, False)),
        ("1.sql", "-- pgsafe: repeatable\n-- pgsafe: no-transaction\nVACUUM;", Marked(False, True)),
        ("1.sql", "SELECT 1;\n-- pgsafe: repeatable", Marked(True, False)),
        ("R__a.sql", "SELECT 1;", Marked(True, True)),
        ("1.sql", "-- migrate:up\na;\n-- migrate:down\nb;\n", Marked(True, False, "\na;\n\n\n")),
        ("1.sql", "-- migrate:down\nb;\n-- migrate:up\na;\n", Marked(True, False, "\n\n\na;\n")),
        ("1.sql", "--migrate:up transaction:false\na;\n", Marked(False, False, "\na;\n")),
        ("1.sql", "SELECT '\n -- migrate:down';", Marked(True, False)),
    ],
)
def test_a_file_says_how_it_runs(name: str, text: str, found: Marked) -> None:
    assert conventions.marked(name, text) == found


@pytest.mark.parametrize("line", ["-- pgsafe: repeatble", "-- pgsafe: no-transactions", "-- pgsafe:repeatable"])
def test_a_first_line_of_ours_with_another_word_is_refused(line: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(f"1.sql begins with '{line}', which has no meaning.")):
        conventions.marked("1.sql", f"-- pgsafe: repeatable\n{line}\nSELECT 1;")


def test_a_file_of_dbmate_without_anything_to_run_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"1\.sql has nothing after -- migrate:up"):
        conventions.marked("1.sql", "-- migrate:up\n\n-- migrate:down\nDROP TABLE a;\n")
