# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Expressions as they are compared: a dump and a restore move casts and parentheses, and nothing else of them."""

from __future__ import annotations

import re

_SIGN = re.compile(
    r"""(?P<string>[eE]?'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<cast>::)|(?P<word>\w+)|(?P<space>\s+)|(?P<other>.)""",
    re.DOTALL,
)
# The words that may follow the first of a type's name: https://www.postgresql.org/docs/current/datatype.html
_FURTHER = frozenset({"varying", "precision", "with", "without", "time", "zone", "to", "second", "minute", "hour"})


def plain(text: str) -> str:
    """An expression without casts, parentheses and needless white space; strings and names stay as they are."""
    signs = [(match.lastgroup or "", match.group()) for match in _SIGN.finditer(text)]
    kept, place = [], 0
    while place < len(signs):
        group, sign = signs[place]
        if group == "cast":
            place = _after_type(signs, place + 1)
            continue
        if group != "space" and sign not in "()":
            kept.append(sign)
        place += 1
    return " ".join(kept)


def _after_type(signs: list[tuple[str, str]], place: int) -> int:
    """The place behind a type's name: words, quoted names, dots, a length in parentheses, brackets."""
    place += 1
    while place < len(signs):
        group, sign = signs[place]
        following = signs[place + 1][1] if place + 1 < len(signs) else ""
        if (group == "space" and following in _FURTHER) or sign == "." or sign in _FURTHER:
            place += 2 if sign == "." or group == "space" else 1
        elif sign == "(" and following.isdigit():
            place = next((at for at in range(place, len(signs)) if signs[at][1] == ")"), len(signs)) + 1
        elif sign == "[" and following == "]":
            place += 2
        else:
            break
    return place
