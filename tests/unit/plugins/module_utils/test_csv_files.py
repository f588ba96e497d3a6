# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records of a CSV are counted as Python's own reader counts them, wherever the chunks end."""

from __future__ import annotations

import csv
import io
import shlex

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import csv_files
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Table
from hypothesis import given
from hypothesis import strategies as st

VALUE = st.text(st.sampled_from('ab"",\n\r\\ ä'), max_size=6)
RECORDS = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(VALUE, min_size=width, max_size=width), max_size=6))


def _written(records: list[list[str]], quote_all: bool) -> bytes:
    """As COPY writes: a value is quoted where it has to be, or (FORCE_QUOTE) always."""
    width = len(records[0]) if records else 1
    lines = [",".join(_value(value, quote_all) for value in record) for record in [["head\ner"] * width, *records]]
    return "".join(f"{line}\n" for line in lines).encode()


def _value(value: str, quote: bool) -> str:
    return '"' + value.replace('"', '""') + '"' if quote or not value or set(value) & set('",\r\n') else value


def _split(content: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(content), *(place % (len(content) + 1) for place in places)})
    return [content[start:end] for start, end in zip(edges, edges[1:])]


@given(RECORDS, st.booleans(), st.lists(st.integers(0, 200), max_size=5))
def test_records_are_counted_as_python_s_reader_counts_them(
    records: list[list[str]], quote_all: bool, places: list[int]
) -> None:
    content = _written(records, quote_all)
    read = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert csv_files.count_records(iter(_split(content, places))) == len(read) - 1 == len(records)


@given(RECORDS.filter(bool), st.data())
def test_a_csv_that_was_cut_never_has_all_of_its_records(records: list[list[str]], data: st.DataObject) -> None:
    content = _written(records, True)
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    try:
        counted = csv_files.count_records(iter([cut]))
    except ValueError:
        return
    assert counted < len(records)


@pytest.mark.parametrize("content", [b"a,b", b'a\n"1', b'a\n"1\n', b"a\n1"])
def test_a_csv_that_ends_inside_a_record_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="ends inside a record"):
        csv_files.count_records(iter([content]))


def test_a_csv_without_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="no header"):
        csv_files.count_records(iter([]))


def test_a_table_without_columns_has_a_record_an_empty_line() -> None:
    assert csv_files.count_records(iter([b"\n\n\n"])) == 2


def test_the_command_that_loads_a_csv_names_its_columns_as_they_are() -> None:
    command = csv_files._load(Table("Sales", 'odd "name"'), ["id", "e-mail"], "sales.csv", "UTF8")
    assert command.startswith(
        '\\copy "Sales"."odd ""name""" ("id", "e-mail") FROM \'sales.csv\' WITH (FORMAT csv, HEADER'
    )
    assert "sales.csv" in shlex.split(command)


def test_the_command_that_loads_a_table_without_columns_names_none() -> None:
    command = csv_files._load(Table("public", "t"), [], "t.csv", "LATIN1")
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
