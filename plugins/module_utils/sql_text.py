# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a text is SQL, and what is quoted in it."""

from __future__ import annotations

import re

# Strings, names and comments: a backslash in them is no command of psql's. Anywhere else it is, behind a statement too.
# Behind a letter an E begins no string, and a $ is a part of the name.
QUOTED = re.compile(
    r"""(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|"""
    r"""(?<![\w$])\$((?:[^\W\d]\w*)?)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/""",
    re.DOTALL,
)

_OPENING = re.compile(r"""['"]|/\*|(?<![\w$])\$(?:[^\W\d]\w*)?\$""")


def masked(text: str) -> str:
    """The text with blanks in place of what is quoted."""
    return QUOTED.sub(lambda found: " " * len(found.group()), text)


def is_one_expression(text: str) -> bool:
    """Whether a text between parentheses stays between them: no statement, and no parenthesis, ends in it."""
    depth, code = 0, masked(text)
    if not code.strip() or ";" in code or _OPENING.search(code):
        return False
    for sign in code:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def open_at_end(text: str) -> bool:
    """Whether a text ends inside a string, a name, a function's body or a comment."""
    return bool(_OPENING.search(masked(text)))
