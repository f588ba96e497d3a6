# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A statement names its row by the key, and writes only what differs and can be written."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.row_differences import Difference
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.row_sides import Row, SideTable
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.row_statements import Writing

TABLE = SideTable("s", 'o"dd', (), ("a", "g", "n"), (("a",),), frozenset({"g"}))
HERE = Row(b"", "(1)", "x", ("'1'", "'2'", "NULL"))
THERE = Row(b"", "(1)", "y", ("'1'", "'3'", "'it''s'"))


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        (None, THERE, """INSERT INTO "s"."o""dd" ("a", "n") OVERRIDING SYSTEM VALUE VALUES ('1', 'it''s');\n"""),
        (HERE, None, """DELETE FROM "s"."o""dd" WHERE "a" = '1';\n"""),
        (HERE, THERE, """UPDATE "s"."o""dd" SET "n" = 'it''s' WHERE "a" = '1';\n"""),
        (HERE, Row(b"", "(1)", "z", ("'1'", "'9'", "NULL")), ""),
    ],
    ids=["insert", "delete", "update", "generated alone"],
)
def test_a_statement_for_each_kind_of_difference(here: Row | None, there: Row | None, expected: str) -> None:
    assert Writing(TABLE, TABLE.columns, ("a",)).statement(Difference("", here, there)) == expected
