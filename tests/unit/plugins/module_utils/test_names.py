# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of databases stay within PostgreSQL's limit, names of files apart on every filesystem."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import names
from hypothesis import given
from hypothesis import strategies as st

RUN = "20261116_143022"
DATABASE = st.text(st.characters(min_codepoint=1, blacklist_categories=["Cs"]), min_size=1, max_size=63).filter(
    lambda name: len(name.encode()) <= 63
)
LABELS = st.lists(
    st.builds("{}.{}".format, st.sampled_from(["public", "Public", "sales", "a.b"]), DATABASE), unique=True, max_size=8
)
PURPOSE = st.sampled_from(["scratch", "restored", "failed"])


def test_a_short_name_keeps_the_database_s_name_whole() -> None:
    assert names.beside("app", "failed", RUN) == "app__failed_20261116_143022"


@given(DATABASE, PURPOSE, st.sampled_from([RUN, f"{RUN}_999"]))
def test_a_name_beside_is_never_longer_than_postgresql_allows(database: str, purpose: str, run_id: str) -> None:
    assert len(names.beside(database, purpose, run_id).encode()) <= 63


@given(st.lists(st.tuples(DATABASE, PURPOSE), unique=True, max_size=6))
def test_names_beside_are_distinct_for_distinct_databases_and_purposes(wanted: list[tuple[str, str]]) -> None:
    assert len({names.beside(database, purpose, RUN) for database, purpose in wanted}) == len(wanted)


@pytest.mark.parametrize("letter", ["x", "ä", "🐘"])
def test_long_names_that_differ_at_their_end_alone_stay_apart(letter: str) -> None:
    stem = letter * ((63 - 1) // len(letter.encode()))
    assert names.beside(f"{stem}1", "failed", RUN) != names.beside(f"{stem}2", "failed", RUN)


@given(LABELS)
def test_csv_names_stay_apart_on_a_disk_that_ignores_case(labels: list[str]) -> None:
    found = names.csv_names(labels)
    assert set(found) == set(labels)
    assert len({name.casefold() for name in found.values()}) == len(labels)


@given(LABELS)
def test_csv_names_are_harmless_everywhere(labels: list[str]) -> None:
    for name in names.csv_names(labels).values():
        assert name.isascii()
        assert name.endswith(".csv")
        assert not set(name) & set("/\\\n :'\"*?")
        assert name[0] not in ".-"
        assert len(name) <= 128


@given(DATABASE, st.sampled_from(["failed", "failed2", "ready"]), st.sampled_from([RUN, f"{RUN}_999"]))
def test_the_run_of_a_name_beside_is_that_of_its_own_database(database: str, purpose: str, run_id: str) -> None:
    name = names.beside(database, purpose, run_id)
    assert names.run_beside(database, name) == run_id
    assert names.run_beside(f"{database[:20]}-", name) == ""
    assert names.run_beside(database, database) == ""


def test_a_csv_of_the_public_schema_is_named_by_its_table() -> None:
    assert names.csv_names(["public.members", "sales.orders"]) == {
        "public.members": "members.csv",
        "sales.orders": "sales.orders.csv",
    }


def test_a_table_whose_name_looks_like_another_s_label_gets_a_number() -> None:
    found = names.csv_names(["sales.orders", "public.sales.orders"])
    assert sorted(found.values()) == ["sales.orders.csv", "sales.orders~2.csv"]


def test_a_csv_does_not_take_a_name_that_is_taken() -> None:
    assert names.csv_names(["public.members"], taken=["MEMBERS.csv"]) == {"public.members": "members~2.csv"}


@given(st.lists(DATABASE, unique=True, max_size=6))
def test_directories_of_databases_stay_apart_and_inside_the_root(databases: list[str]) -> None:
    found = [names.directory_name(database) for database in databases]
    assert len({name.casefold() for name in found}) == len(databases)
    assert all("/" not in name and not name.startswith(".") for name in found)


def test_a_harmless_name_is_its_own_directory() -> None:
    assert names.directory_name("community_connect") == "community_connect"
