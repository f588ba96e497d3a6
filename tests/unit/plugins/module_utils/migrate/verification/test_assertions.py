# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An assertion is one query; whatever could end its read-only transaction is refused before it is run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import assertions
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.assertions import Assertion


def typed(**entry: Any) -> Assertion:
    (found,) = assertions.typed([{"name": "it", **entry}])
    return found


@pytest.mark.parametrize(
    ("entry", "assertion"),
    [
        ({"sql": "SELECT true"}, Assertion("it", "SELECT true", "true", 60)),
        ({"sql": "SELECT 1;", "expected": 1, "time_limit": 5}, Assertion("it", "SELECT 1", "1", 5)),
        ({"sql": "SELECT b", "expected": False}, Assertion("it", "SELECT b", "false", 60)),
        ({"rows_that_must_not_exist": "SELECT 1\n;\n"}, Assertion("it", "SELECT 1\n", None, 60)),
    ],
)
def test_an_assertion_is_typed(entry: dict[str, Any], assertion: Assertion) -> None:
    assert typed(**entry) == assertion


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';'",
        'SELECT 1 AS ";"',
        "SELECT $$ ; $$",
        "SELECT $x$ ; $$ ; $x$",
        "SELECT E'\\';'",
        "SELECT 1 -- ; COMMIT",
        "SELECT /* ; */ 1",
        "SELECT 1; -- the end",
        "SELECT 1; /* the end */ ",
    ],
)
def test_a_semicolon_that_ends_no_statement_is_one_query(sql: str) -> None:
    assert typed(sql=sql).sql == sql.partition("; -- the")[0].partition("; /* the")[0]


@pytest.mark.parametrize(
    "sql",
    [
        "",
        " ; ",
        "SELECT 1; COMMIT",
        "SELECT 1; COMMIT; DROP TABLE t",
        "SELECT 1;;",
        "SELECT date'a\\'; DROP TABLE t; --'",
        "SELECT a$$; DROP TABLE t; SELECT b$$",
        "SELECT 1; 'x'",
        "SELECT 1 /* /* */ ; COMMIT; */",
    ],
)
def test_more_or_less_than_one_query_is_refused(sql: str) -> None:
    with pytest.raises(BadRequest, match="The assertion 'it' is not one query"):
        typed(sql=sql)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"sql": "SELECT true", "rows_that_must_not_exist": "SELECT 1"},
        {"rows_that_must_not_exist": "SELECT 1", "expected": 1},
        {"expected": 1},
    ],
)
def test_an_assertion_says_one_thing(entry: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="The assertion 'it' needs either sql"):
        typed(**entry)


def test_an_assertion_has_at_least_a_second() -> None:
    with pytest.raises(BadRequest, match="The assertion 'it' has a time_limit of -5 s"):
        typed(sql="SELECT true", time_limit=-5)


def test_two_assertions_have_two_names() -> None:
    entry = {"name": "it", "sql": "SELECT true"}
    with pytest.raises(BadRequest, match="Two assertions have the name 'it'"):
        assertions.typed([entry, {**entry, "name": "other"}, entry])
