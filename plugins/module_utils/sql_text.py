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


def open_at_end(text: str) -> bool:
    """Whether a text ends inside a string, a name, a function's body or a comment."""
    return bool(_OPENING.search(masked(text)))
