# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text that a server, a program or a name brings along: it moves no cursor, and none of its lines passes for ours."""

from __future__ import annotations

import unicodedata

MARK = "    | "

# Controls, and what has no shape of its own: bidirectional embeddings, zero-width characters, separators of lines.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(line: str) -> str:
    """One line, with everything written out that a terminal would obey or not show."""
    return "".join(_written(sign) for sign in line.expandtabs())


def _written(sign: str) -> str:
    if sign.isprintable() or (unicodedata.category(sign) not in _INVISIBLE and not _is_noncharacter(ord(sign))):
        return sign
    return sign.encode("unicode_escape").decode("ascii")


def _is_noncharacter(code: int) -> bool:
    """No text may hold these, and an XML document that does is malformed: https://www.unicode.org/faq/private_use.html"""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def lines(text: str) -> list[str]:
    """The lines of a text, visible; each but the first one marked as a continuation, once."""
    first, *further = text.splitlines() or [""]
    return [visible(first), *[_marked(line) for line in further]]


def _marked(line: str) -> str:
    return visible(line if line.startswith(MARK) else MARK + line)


def marked(text: str) -> str:
    """The same as one text."""
    return "\n".join(lines(text))
