# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables have a CSV, and the command that loads one."""

from __future__ import annotations

import shlex

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import csv_files
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Table


def test_the_command_that_loads_a_csv_names_its_columns_as_they_are() -> None:
    command = csv_files.load_command(Table("Sales", 'odd "name"'), ["id", "e-mail"], "sales.csv", "UTF8")
    assert command.startswith(
        '\\copy "Sales"."odd ""name""" ("id", "e-mail") FROM \'sales.csv\' WITH (FORMAT csv, HEADER'
    )
    assert "sales.csv" in shlex.split(command)


def test_the_command_that_loads_a_table_without_columns_names_none() -> None:
    command = csv_files.load_command(Table("public", "t"), [], "t.csv", "LATIN1")
    assert command.startswith('\\copy "public"."t" FROM \'t.csv\' WITH (FORMAT csv, HEADER')
    assert "LATIN1" in command


@pytest.mark.parametrize(
    ("label", "patterns", "wanted"),
    [
        ("public.members", ["*"], True),
        ("public.members", ["members"], True),
        ("public.members", ["public.mem*"], True),
        ("sales.members", ["members"], False),
        ("sales.members", ["sales.*"], True),
        ("public.members", [], False),
    ],
)
def test_a_table_has_a_csv_when_a_pattern_matches_it(label: str, patterns: list[str], wanted: bool) -> None:
    assert csv_files.chosen(label, patterns) == wanted


def test_the_command_says_the_encoding_of_its_file() -> None:
    assert csv_files.encoding_of(csv_files.load_command(Table("public", "t"), ["a"], "t.csv", "LATIN1")) == "LATIN1"
    with pytest.raises(ValueError, match="without an encoding"):
        csv_files.encoding_of("\\copy t FROM 't.csv'")
