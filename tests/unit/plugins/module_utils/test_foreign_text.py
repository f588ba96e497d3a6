# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Foreign text on a console: visible, and marked as what it is."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.foreign_text import lines, marked, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[32m[OK]", r"\x1b[2J\x1b[32m[OK]"),
        ("a\rb", r"a\rb"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnorw\u2066", r"\u202egnorw\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
        ("\udc80", r"\udc80"),
        ("\ufffe\ufdd0\U0010ffff", r"\ufffe\ufdd0\U0010ffff"),
        ("a\tb", "a       b"),
        ("Straße, 全角　空白, émigré, 🐘", "Straße, 全角　空白, émigré, 🐘"),
    ],
)
def test_what_a_terminal_would_obey_or_not_show_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_line_but_the_first_one_begins_where_ours_begin(end: str) -> None:
    shown = lines(f"ERROR:  no{end}VERDICTS{end}  one  migrated and verified")
    assert shown == ["ERROR:  no", "    | VERDICTS", "    |   one  migrated and verified"]
    assert lines("\n".join(shown)) == shown


def test_an_error_says_what_was_left_on_a_line_of_its_own_behind_foreign_lines() -> None:
    error = CommandFailed("psql ended with status 3: ERROR:  no\n[OK]\x1b[1A").with_state("It was rolled back.")
    assert str(error) == "psql ended with status 3: ERROR:  no\n    | [OK]\\x1b[1A.\nIt was rolled back."
    assert error.facts()["what_failed"] == marked(error.what)
