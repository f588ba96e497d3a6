# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file is split into statements and meta-commands as psql splits it."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import psql_text
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.psql_text import (
    MetaCommand,
    Statement,
    Unterminated,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;\n  roll_back ;", [(1, "SELECT"), (2, "ROLL_BACK")]),
        ("SELECT 'a;b', \"c;d\", E'it\\'s;', $$;$$, $x$ $$;$$ $x$;", [(1, "SELECT")]),
        ("-- a;\n/* b; /* c; */ d; */ SELECT 1;", [(2, "SELECT")]),
        ("SELECT (1; 2); END", [(1, "SELECT"), (1, "END")]),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END; COMMIT;",
            [(1, "CREATE"), (1, "COMMIT")],
        ),
        ("DO $$ BEGIN COMMIT; END $$; BEGIN;", [(1, "DO"), (1, "BEGIN")]),
        ("SELECT 1 \\; ROLLBACK \\; SELECT 2;", [(1, "SELECT"), (1, "ROLLBACK"), (1, "SELECT")]),
        ("COPY t FROM STDIN;\nROLLBACK;\n\\.\nEND;", [(1, "COPY"), (4, "END")]),
        ("COPY t TO STDOUT;\nEND;", [(1, "COPY"), (2, "END")]),
        ("SELECT a$b$c;ABORT", [(1, "SELECT"), (1, "ABORT")]),
    ],
)
def test_statements_end_where_psql_ends_them(text: str, expected: list[tuple[int, str]]) -> None:
    found = [part for part in psql_text.parts(text) if isinstance(part, Statement)]
    assert [(part.line, part.words[0]) for part in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\c other\n", [("c", ("other",))]),
        ('SELECT 1; \\connect -reuse-previous=on "a b"\n', [("connect", ("-reuse-previous=on", '"a b"'))]),
        ("\\set a b \\\\ SELECT 1 \\g\n", [("set", ("a", "b")), ("g", ())]),
        ("\\if :x \\i 'it''s.sql' \\endif", [("if", (":x",)), ("i", ("'it''s.sql'",)), ("endif", ())]),
        ("\\copy t from stdin\n\\connect x\n\\.\n\\q", [("copy", ("t from stdin",)), ("q", ())]),
        ("SELECT '\\c', \"\\c\" -- \\c\n/* \\c */, $$\\c$$;", []),
        ("\\! rm \\c\n", [("!", ("rm \\c",))]),
    ],
)
def test_meta_commands_are_found_wherever_psql_obeys_them(text: str, expected: list[tuple[str, object]]) -> None:
    found = [part for part in psql_text.parts(text) if isinstance(part, MetaCommand)]
    assert [(part.name, part.arguments) for part in found] == expected


@pytest.mark.parametrize("opening", ["'", '"', "/*", "$$", "$a$", "E'"])
def test_what_is_never_closed_is_named_with_its_line(opening: str) -> None:
    assert Unterminated(2, opening) in list(psql_text.parts(f"SELECT 1;\nSELECT {opening} ROLLBACK;"))


@given(st.text(alphabet="ab;'\"$\\/*-() \nE", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    for part in psql_text.parts(text):
        assert 1 <= part.line <= text.count("\n") + 1
