# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a connection become one typed target, or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import target, url_secrets
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest


def _params(**given: Any) -> dict[str, Any]:
    """All options as AnsibleModule gives them."""
    return {name: option.get("default") for name, option in arguments.CONNECTION.items()} | given


def test_every_option_of_a_connection_reaches_its_libpq_keyword() -> None:
    found = target(
        _params(
            login_db="app",
            login_user="u",
            login_password="p",
            login_host="h",
            login_port=5433,
            ssl_mode="require",
            ca_cert="/ca",
            ssl_cert="/cert",
            ssl_key="/key",
            connect_params={"connect_timeout": 3},
            session_role="owner",
            maintenance_db="template1",
            bin_dir="/bin",
        )
    )
    assert found.params == {
        "user": "u",
        "password": "p",
        "host": "h",
        "port": "5433",
        "sslmode": "require",
        "sslrootcert": "/ca",
        "sslcert": "/cert",
        "sslkey": "/key",
        "connect_timeout": "3",
    }
    assert (found.dbname, found.maintenance_db, found.session_role, found.bin_dir) == (
        "app",
        "template1",
        "owner",
        "/bin",
    )


def test_options_that_are_empty_are_as_good_as_not_given() -> None:
    found = target(_params(login_db="app", login_user="", login_host="", session_role="", bin_dir=""))
    assert (found.params, found.session_role, found.bin_dir) == ({}, None, None)


def test_a_unix_socket_is_a_host_to_libpq() -> None:
    assert target(_params(login_db="app", login_unix_socket="/run/pg")).params == {"host": "/run/pg"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40ss%2Fword@db1:5433/app",
        "postgres://u@db1/app",
        "postgresql://u@[2001:db8::7]:5433/app",
        "postgresql://%2Ftmp%2FMy%20Sockets/app",
        "postgresql:///app?host=/run/Pg&port=5433",
        "postgresql://u@db1/app?sslmode=require&password=a+b%20c",
        "postgresql://DB1.Example.org/%C3%A4pp",
    ],
)
def test_a_url_is_read_as_libpq_reads_it(url: str) -> None:
    found = target(_params(login_url=url))
    meant = psycopg2.extensions.parse_dsn(url)
    assert {**found.params, "dbname": found.dbname} == meant


def test_the_database_option_goes_before_the_url_s() -> None:
    found = target(_params(login_url="postgresql://h/first", login_db="second"))
    assert (found.dbname, found.params) == ("second", {"host": "h"})


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret@h:54x/app", "mysql://u:secret@h/app", "postgresql://u:secret@[::1/app"]
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadRequest, match="login_url") as caught:
        target(_params(login_url=url))
    assert "secret" not in str(caught.value)


def test_without_a_database_the_target_is_refused_unless_none_is_needed() -> None:
    with pytest.raises(BadRequest, match="No database is named"):
        target(_params(login_host="h"))
    assert target(_params(login_host="h"), required=False).dbname == ""


def test_the_maintenance_database_itself_is_refused() -> None:
    with pytest.raises(BadRequest, match="postgres is the maintenance database"):
        target(_params(login_db="postgres"))
    assert target(_params(login_db="postgres", maintenance_db="template1")).dbname == "postgres"


def test_a_password_among_connect_params_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadRequest, match="login_password") as caught:
        target(_params(login_db="app", connect_params={"password": "secret"}))
    assert "secret" not in str(caught.value)


def test_the_password_inside_a_url_is_a_secret_in_both_of_its_spellings() -> None:
    assert url_secrets({"login_url": "postgresql://u:p%40ss@h/app"}) == {"p@ss", "p%40ss"}
    assert url_secrets({"login_url": "postgresql:///app?password=hidden"}) == {"hidden"}


def test_without_a_password_in_a_url_there_is_no_secret() -> None:
    assert url_secrets({"login_url": "postgresql://u@h/app"}) == set()
    assert url_secrets({"login_url": None}) == set()


def test_secret_options_are_kept_out_of_logs() -> None:
    assert {name for name, option in arguments.CONNECTION.items() if option.get("no_log")} == {
        "login_password",
        "login_url",
    }


def test_a_url_excludes_each_option_that_it_could_contradict() -> None:
    excluded = {pair[1] for pair in arguments.mutually_exclusive(arguments.CONNECTION) if pair[0] == "login_url"}
    assert excluded == {"login_user", "login_password", "login_host", "login_unix_socket", "login_port"}


@pytest.mark.parametrize("given", ["", ".", "backups", "./backups"])
def test_a_backup_root_is_absolute(given: str) -> None:
    with pytest.raises(BadRequest, match="is not an absolute path"):
        arguments.backup_root({"backup_root": given})
    assert arguments.backup_root({"backup_root": "/var/backups"}) == Path("/var/backups")


@pytest.mark.parametrize("given", ["backups", "s3://", "s3:///db1", "s3://backups//db1", "s3://backups/../x", "https://x"])
def test_a_store_has_the_url_of_a_bucket(given: str) -> None:
    with pytest.raises(BadRequest, match="is no URL of a store"):
        arguments.store_address({"url": given})


def test_the_secrets_of_a_store_are_not_shown_with_it() -> None:
    options = {"endpoint_url": None, "access_key": "AKIA", "secret_key": "hidden", "session_token": "also hidden"}
    address = arguments.store_address({"url": "s3://backups/fleet/db1/", **options})
    assert (address.url, address.bucket, address.prefix) == ("s3://backups/fleet/db1", "backups", "fleet/db1")
    assert (address.endpoint_url, address.secret_key) == ("", "hidden")
    assert "hidden" not in repr(address)
    for options_of in (arguments.STORE["store"]["options"], arguments.COPY_TO["copy_to"]["options"]):
        assert {name for name, option in options_of.items() if option.get("no_log")} == {"secret_key", "session_token"}
