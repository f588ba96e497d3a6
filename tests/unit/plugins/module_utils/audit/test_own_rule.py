# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user's own rules are read from options and from the comments of their SQL."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.own_rule import OwnRule, own_rules
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest

FILE = """\ufeff-- severity: error
--max:12
-- remedy: Call them; it helps.
-- and a line that says nothing

SELECT id FROM members
-- who have no phone
 WHERE phone IS NULL;
-- the end
"""


def test_a_file_says_what_it_is_in_its_first_comments() -> None:
    (rule,) = own_rules([{"file": "/rules/no_phone.sql", "sql": FILE[1:], "name": None, "max": None}], ())
    assert rule == OwnRule("no_phone", FILE[1:], "error", 12, "Call them; it helps.")
    assert rule.query == "SELECT id FROM members\n-- who have no phone\n WHERE phone IS NULL"
    assert OwnRule("marked", FILE).query == rule.query


def test_an_option_beats_the_comments_and_a_name_in_the_comments_that_of_the_file() -> None:
    sql = "-- name: other\n-- severity: info\nSELECT 1"
    assert own_rules([{"sql": sql, "file": "x.sql", "severity": "error", "max": 0}], ()) == (
        OwnRule("other", sql, "error", 0),
    )


def test_a_rule_warns_of_every_row_unless_it_says_otherwise() -> None:
    assert own_rules([{"name": "r", "sql": "SELECT 1"}], ()) == (OwnRule("r", "SELECT 1", "warning", 0, ""),)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sql": "SELECT 1"}, r"\(no name\) has no name"),
        ({"name": "two words", "sql": "SELECT 1"}, "two words may be named by letters, digits"),
        ({"name": "r", "sql": "-- severity: bad\nSELECT 1"}, "r has the severity 'bad'"),
        ({"name": "r", "sql": "SELECT 1", "max": -1}, "r expects -1 rows at most"),
        ({"name": "r", "sql": "-- max: some\nSELECT 1"}, "r expects 'some' rows at most"),
        ({"name": "r", "sql": "-- nothing\n;\n"}, "r has no SQL"),
        ({"name": "orphans", "sql": "SELECT 1"}, "orphans has the name of a rule that exists already"),
        ({"name": "not_looked_at", "sql": "SELECT 1"}, "not_looked_at has the name of a rule that exists already"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_by_its_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=f"The audit rule {said}"):
        own_rules([given], ("orphans",))


def test_two_rules_have_two_names() -> None:
    with pytest.raises(BadRequest, match="has the name of a rule that exists already"):
        own_rules([{"name": "r", "sql": "SELECT 1"}, {"name": "r", "sql": "SELECT 2"}], ())
