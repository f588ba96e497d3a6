# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types: addresses for people hold no password, addresses for commands do."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import psycopg2.extensions
from ansible_collections.pgsafe.migration.plugins.module_utils.model import (
    Fingerprint,
    Server,
    Table,
    TableState,
    Target,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET = "correct horse"
TEXT = st.text(st.characters(min_codepoint=33, blacklist_categories=["Cs"]), min_size=1, max_size=12)


def _target(**params: str) -> Target:
    return Target(params=params, dbname="app", session_role="owner", bin_dir="/bin")


def test_the_maintenance_target_differs_in_its_database_alone() -> None:
    target = _target(host="db1")
    assert target.maintenance == target.database("postgres")
    assert target.maintenance.dbname == "postgres"
    assert target.maintenance.session_role == "owner"


def test_what_people_read_holds_no_password() -> None:
    target = _target(host="db1", user="app", password=SECRET)
    assert target.described == "app at db1:5432 as app"
    assert target.sanitised_url == "postgresql://app@db1:5432/app"
    assert SECRET not in target.described + target.sanitised_url


def test_a_socket_s_directory_is_a_parameter_of_the_url() -> None:
    target = _target(host="/run/pg", port="5433", user="app")
    assert target.sanitised_url == "postgresql://app@/app?host=/run/pg&port=5433"


def test_the_target_without_a_host_is_told_as_the_local_socket() -> None:
    assert _target().described == "app at local socket:5432 as default user"


@given(user=TEXT, password=TEXT, dbname=TEXT, host=st.sampled_from(["db1", "::1", "/run/Pg Sockets"]))
def test_libpq_reads_the_url_for_commands_as_it_was_meant(user: str, password: str, dbname: str, host: str) -> None:
    target = Target({"user": user, "password": password, "host": host, "port": "5433"}, dbname)
    found = psycopg2.extensions.parse_dsn(target.url_for_commands)
    assert found == {"user": user, "password": password, "host": host, "port": "5433", "dbname": dbname}


def test_without_a_host_the_url_for_commands_means_the_local_socket() -> None:
    assert "host" not in psycopg2.extensions.parse_dsn(_target(user="app").url_for_commands)


def test_an_ipv6_address_stands_in_brackets() -> None:
    parts = urlsplit(_target(host="2001:db8::7", user="app").sanitised_url)
    assert (parts.hostname, parts.port, unquote(parts.path)) == ("2001:db8::7", 5432, "/app")


def test_the_major_is_the_version_without_its_minor() -> None:
    assert [Server(number, "").major for number in (140019, 150018, 180006)] == [14, 15, 18]


def test_a_table_s_label_is_its_schema_and_name() -> None:
    assert Table("sales", "orders").label == "sales.orders"


def test_a_fingerprint_gives_the_rows_by_table() -> None:
    found = Fingerprint({"public.a": TableState(3, "1:2"), "public.b": TableState(0, "0:0")}, {}, {})
    assert found.rows == {"public.a": 3, "public.b": 0}
