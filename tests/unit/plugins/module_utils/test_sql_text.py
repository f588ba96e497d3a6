# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A condition of a person's own stays the one expression that it is."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import sql_text


@pytest.mark.parametrize(
    "text",
    [
        "id = 42",
        "note = ';' OR note = ')'",
        "(a OR b) AND c -- the last one; not more",
        "name = $$it's)$$ AND E'\\'(' <> ''",
        'id IN (SELECT max(id) FROM "a;)".b)',
        "true /* ) */",
    ],
)
def test_one_expression_is_one(text: str) -> None:
    assert sql_text.is_one_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- nothing",
        "true; DROP TABLE members",
        "true) UNION SELECT (1",
        "true)",
        "(true",
        "name = 'open",
        'name = "open',
        "true /* open",
        "name = $$open",
        "true) OR (true",
    ],
)
def test_what_could_end_the_query_is_none(text: str) -> None:
    assert not sql_text.is_one_expression(text)


def test_a_text_that_ends_inside_quotes_is_open() -> None:
    assert sql_text.open_at_end("SELECT $f$ it's")
    assert sql_text.open_at_end("SELECT 'it''s")
    assert not sql_text.open_at_end("SELECT $f$ it's $f$, 'it''s' -- it's")
