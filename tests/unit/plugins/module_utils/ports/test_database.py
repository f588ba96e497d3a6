# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the sessions needs no server: names, environments, escaping, and what is said when there is no connection."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, ConnectionFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import database
from hypothesis import given
from hypothesis import strategies as st


def _target(**params: str) -> Target:
    return Target(params, "app")


def test_the_environment_of_the_client_tools_holds_the_whole_connection() -> None:
    target = _target(host="h", port="5433", user="u", password="p", sslmode="require")
    found = database.environment_of_user(target, {}, "x")
    assert found == {
        "PGHOST": "h",
        "PGPORT": "5433",
        "PGUSER": "u",
        "PGPASSWORD": "p",
        "PGSSLMODE": "require",
        "PGDATABASE": "app",
        "PGAPPNAME": "pgsafe x",
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": "",
    }


def test_a_limit_for_connecting_that_was_given_is_kept() -> None:
    assert database.environment(_target(connect_timeout="3"))["PGCONNECT_TIMEOUT"] == "3"


def test_settings_from_the_start_of_a_session_reach_the_client_tools_too() -> None:
    target = Target({}, "app", startup={"event_triggers": "off"})
    found = database.environment_of_user(target, {"lock_timeout": "0"}, "x")
    assert found["PGOPTIONS"] == "-c event_triggers=off -c lock_timeout=0"
    assert target.maintenance.startup == target.startup


def test_the_sessions_of_the_client_tools_begin_as_ours_do() -> None:
    words = _split_options(database.environment(_target(), {"lock_timeout": "9s"})["PGOPTIONS"])
    assert dict(word.split("=", 1) for word in words[1::2]) == {**database.PINNED, "lock_timeout": "9s"}


def test_what_a_person_sends_at_connect_comes_first_so_that_ours_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c geqo=off")
    assert database.environment_of_user(_target(), {"a": "b"}, "x")["PGOPTIONS"] == "-c geqo=off -c a=b"
    given = _target(options="-c search_path=x")
    assert database.environment_of_user(given, {"a": "b"}, "x")["PGOPTIONS"] == "-c search_path=x -c a=b"


def test_what_has_no_variable_cannot_be_handed_to_the_client_tools() -> None:
    with pytest.raises(BadRequest, match="connect_params fallback_application_name cannot") as caught:
        database.environment(_target(options="-c a=b", fallback_application_name="x", user="u"))
    assert "service" in caught.value.remedy


def _split_options(options: str) -> list[str]:
    """As pg_split_opts of PostgreSQL reads them (src/backend/utils/init/postinit.c)."""
    words: list[str] = []
    place = 0
    while place < len(options):
        if options[place] in " \t\n\r\v\f":
            place += 1
            continue
        word = ""
        while place < len(options) and options[place] not in " \t\n\r\v\f":
            if options[place] == "\\":
                place += 1
            word += options[place]
            place += 1
        words.append(word)
    return words


@given(st.dictionaries(st.sampled_from(["role", "lock_timeout", "search_path"]), st.text(min_size=1, max_size=12)))
def test_the_server_reads_each_setting_as_it_was_meant(settings: dict[str, str]) -> None:
    options = database.environment_of_user(_target(), settings, "x")["PGOPTIONS"]
    words = _split_options(options)
    assert dict(word.split("=", 1) for word in words[1::2]) == settings
    assert set(words[::2]) <= {"-c"}


def test_a_session_is_told_by_its_purpose_within_the_server_s_limit() -> None:
    assert database.application_name() == "pgsafe"
    assert database.application_name("backup 20261116_143022") == "pgsafe backup 20261116_143022"
    assert len(database.application_name("x" * 100)) == 63


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            'connection to server at "db1", port 5432 failed: FATAL:  password authentication failed for user "u"',
            "login_password",
        ),
        ("connection to server failed: fe_sendauth: no password supplied", "Give login_password"),
        (
            'connection to server on socket "/run/.s.PGSQL.1" failed: FATAL:  Peer authentication failed for user "u"',
            "become_user",
        ),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption', "pg_hba.conf"),
        ('FATAL:  database "d" does not exist', "login_db"),
        ('FATAL:  role "u" does not exist', "login_user"),
        ('FATAL:  database "d" is not currently accepting connections', "pgsafe.migration.rollback"),
        ("FATAL:  unsupported startup parameter: options", "Connect to the server itself"),
        ("FATAL:  the database system is starting up", "Wait"),
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ('connection to server at "db1" (10.0.0.1), port 5432 failed: Connection refused', "pg_isready"),
    ],
)
def test_every_refusal_of_a_connection_is_answered_by_what_to_do(said: str, advice: str) -> None:
    error = database._not_connected(psycopg2.OperationalError(f"{said}\n"), _target(host="db1", password="secret"))
    assert advice in error.remedy
    assert said.rpartition("FATAL:  ")[2] in error.what
    assert "secret" not in str(error)


def test_where_nobody_listens_the_address_is_told_and_the_password_is_not(tmp_path: Path) -> None:
    target = _target(host=str(tmp_path), port="5433", user="u", password="secret")
    with pytest.raises(ConnectionFailed, match=f"No connection to app at {tmp_path}:5433 as u: ") as caught:
        database.connect(target)
    assert "pg_isready" in caught.value.remedy
    assert "secret" not in str(caught.value)


def test_a_libpq_keyword_that_does_not_exist_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailed, match='invalid connection option "passwrod"'):
        database.connect(_target(passwrod="x"))


def test_a_session_that_writes_goes_on_under_a_read_only_default() -> None:
    assert database.WRITING == {"default_transaction_read_only": "off"}
    assert not set(database.WRITING) & set(database.PINNED)


def test_no_time_limit_of_others_cuts_our_sessions_short() -> None:
    later = [setting for settings in database.PINNED_LATER.values() for setting in settings.items()]
    every = {**database.PINNED, **dict(later)}
    limits = {name for name in every if name.endswith("timeout")}
    assert {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"} <= limits
    assert {every[name] for name in limits} == {"0"}
