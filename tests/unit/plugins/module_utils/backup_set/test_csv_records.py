# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A CSV is parsed to its last field, and compared without the order of its records."""

from __future__ import annotations

import csv
import io
import random

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import csv_records
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


def _lines(content: bytes) -> list[bytes]:
    return io.BytesIO(content).readlines()


@given(RECORDS, st.booleans())
def test_records_are_counted_as_python_s_reader_counts_them(records: list[list[str]], quote_all: bool) -> None:
    content = _written(records, quote_all)
    read = list(csv.reader(io.StringIO(content.decode(), newline="")))
    parsed = csv_records.parse(_lines(content), "utf-8")
    assert parsed.rows == len(read) - 1 == len(records)
    assert list(parsed.columns) == read[0]
    assert len(list(csv_records.records(_lines(content)))) == len(read)


@given(RECORDS.filter(bool), st.data())
def test_a_csv_that_was_cut_never_has_all_of_its_records(records: list[list[str]], data: st.DataObject) -> None:
    content = _written(records, True)
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    try:
        counted = csv_records.parse(_lines(cut), "utf-8").rows
    except ValueError:
        return
    assert counted < len(records)


@pytest.mark.parametrize("content", [b"a,b", b'a\n"1', b'a\n"1\n', b"a\n1"])
def test_a_csv_that_ends_inside_a_record_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"ends inside a record|unexpected end of data"):
        csv_records.parse(_lines(content), "utf-8")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has no header"),
        (b"a,b\n1\n", "has 1 fields instead of 2 in its record 1"),
        (b"a,b\n1,2\n1,2,3\n", "has 3 fields instead of 2 in its record 2"),
        (b'a\n"x"y\n', "is no CSV at its line 2"),
        (b"a\n\xff\n", "is not valid utf-8 text after its line 1"),
    ],
)
def test_what_is_no_csv_is_refused_with_the_place(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        csv_records.parse(_lines(content), "utf-8")


def test_one_null_and_a_table_without_columns_have_a_record_an_empty_line() -> None:
    assert csv_records.parse(_lines(b"\n\n\n"), "utf-8") == csv_records.Parsed((), 2)
    assert csv_records.parse(_lines(b"a\n\n1\n"), "utf-8") == csv_records.Parsed(("a",), 2)


def test_a_value_may_be_longer_than_python_s_reader_takes_by_itself() -> None:
    assert csv_records.parse([b"a\n", b"x" * 200_000 + b"\n"], "ascii").rows == 1


def test_the_columns_are_those_of_the_header_alone() -> None:
    assert csv_records.columns(_lines(b'"a\nb",c\n1,2\n'), "ascii") == ("a\nb", "c")


@given(RECORDS.filter(bool), st.randoms())
def test_the_order_of_records_does_not_count_and_nothing_else_is_passed_over(
    records: list[list[str]], chance: random.Random
) -> None:
    shuffled = chance.sample(records, len(records))
    whole = csv_records.bag(_lines(_written(records, False)))
    assert csv_records.bag(_lines(_written(shuffled, False))) == whole
    assert csv_records.bag(_lines(_written([*shuffled, shuffled[0]], False))) != whole
    assert csv_records.bag(_lines(_written(shuffled[1:], False))) != whole
