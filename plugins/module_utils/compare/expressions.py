# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Expressions as they are compared between a database and its restored copy.

The server writes a stored expression with every operator in parentheses. What a dump and a restore change of that text
is little: casts move between an array and its elements, and ``(a AND b) AND c`` is read back as ``a AND b AND c``.
So casts go, parentheses go where they hold one thing only or repeat the AND or OR around them, and every other
grouping stays: ``a AND (b OR c)`` and ``(a AND b) OR c`` are two expressions.

The server writes a constant with its type, ``NULL::integer``. Where nothing names the columns of a query (a later arm
of a UNION, a subquery's test, a statement of BEGIN ATOMIC), reading that text names the column after the type, and the
server then writes ``NULL::integer AS int4``. So a column's name goes if it is that of the type that it is cast to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

_SIGN = re.compile(
    r"""(?P<string>[eE]?'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<cast>::)|(?P<word>\w+)|(?P<space>\s+)
        |(?P<open>[(\[])|(?P<close>[)\]])|(?P<operator>[-+*/<>=~!@\#%^&|`?]+)|(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
# The names that a cast gives to a column, where it is not the last word of the type's name; get_rule_expr() writes the
# one and FigureColname() gives the other: https://www.postgresql.org/docs/current/sql-select.html#SQL-SELECT-LIST
_COLUMN_NAMES = {
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "boolean": "bool",
    "real": "float4",
    "double precision": "float8",
    "character": "bpchar",
    "character varying": "varchar",
    "bit varying": "varbit",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
}
# The words that may follow the first of a type's name: https://www.postgresql.org/docs/current/datatype.html
_OF_INTERVALS = ("to", "second", "minute", "hour", "day", "month", "year")
_FURTHER = frozenset({"varying", "precision", "with", "without", "time", "zone", *_OF_INTERVALS})
_CLOSING = {"(": ")", "[": "]"}
_JOINING = ("AND", "OR")


@dataclass(frozen=True)
class _Sign:
    """:param apart: whether white space stands before it, which tells ``AND (a)`` from the call ``f(a)``."""

    kind: str
    text: str
    apart: bool


@dataclass
class _Group:
    """What stands between parentheses or brackets; the whole expression is one without either."""

    opening: str
    apart: bool
    parts: list[_Sign | _Group] = field(default_factory=list)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """An expression without casts, needless parentheses and needless white space; strings and names stay."""
    return _written(_grouped(_without_casts(list(_signs(text)))))


def _signs(text: str) -> Iterator[_Sign]:
    apart = False
    for match in _SIGN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "space":
            yield _Sign(kind, match.group(), apart)
        apart = kind == "space"


def _without_casts(signs: list[_Sign]) -> Iterator[_Sign]:
    place, given = 0, ""
    while place < len(signs):
        if signs[place].kind == "cast":
            after = _after_type(signs, place + 1)
            given = _column_name(signs[place + 1 : after])
            place = after
            continue
        if given and signs[place].text == "AS" and _is_name(signs[place + 1 : place + 2], given):
            place, given = place + 2, ""
            continue
        given = given if _keeps_column_name(signs, place) else ""
        yield signs[place]
        place += 1


def _column_name(type_name: list[_Sign]) -> str:
    """What a cast to this type calls its column; the length and the brackets of a type do not count."""
    words = " ".join(sign.text for sign in type_name if sign.kind == "word" and not sign.text.isdigit())
    if words in _COLUMN_NAMES:
        return _COLUMN_NAMES[words]
    if words.split(" ", maxsplit=1)[0] == "interval":
        return "interval"
    named = [sign for sign in type_name if sign.kind in ("word", "quoted") and not sign.text.isdigit()]
    return _unquoted(named[-1].text) if named else ""


def _is_name(signs: list[_Sign], name: str) -> bool:
    return bool(signs) and _unquoted(signs[0].text) == name


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _keeps_column_name(signs: list[_Sign], place: int) -> bool:
    """Whether a cast still names the column behind this sign: a closing parenthesis, or a part of a COLLATE clause."""
    if signs[place].kind == "close" or signs[place].text in ("COLLATE", "."):
        return True
    return place > 0 and signs[place - 1].text in ("COLLATE", ".")


def _after_type(signs: list[_Sign], place: int) -> int:
    """The place behind a type's name: words, quoted names, dots, a length in parentheses, brackets."""
    place += 1
    while place < len(signs):
        sign, following = signs[place], signs[place + 1].text if place + 1 < len(signs) else ""
        if sign.text in _FURTHER:
            place += 1
        elif sign.text == ".":
            place += 2
        elif sign.text == "(" and following.isdigit():
            place = next((at for at in range(place, len(signs)) if signs[at].text == ")"), len(signs)) + 1
        elif sign.text == "[" and following == "]":
            place += 2
        else:
            break
    return place


def _grouped(signs: Iterable[_Sign]) -> _Group:
    """The signs as a tree; those of a text that was cut, so that parentheses are left over, one after another."""
    known = list(signs)
    open_groups = [_Group("", apart=False)]
    for sign in known:
        if sign.kind == "open":
            open_groups.append(_Group(sign.text, sign.apart))
        elif sign.kind != "close":
            open_groups[-1].parts.append(sign)
        elif _CLOSING.get(open_groups[-1].opening) == sign.text:
            _close(open_groups)
        else:
            return _Group("", apart=False, parts=list(known))
    return _spliced(open_groups[0]) if len(open_groups) == 1 else _Group("", apart=False, parts=list(known))


def _close(open_groups: list[_Group]) -> None:
    """Put the innermost group into the one around it: itself, or what it holds if that is one thing."""
    group, around = _spliced(open_groups.pop()), open_groups[-1].parts
    if group.opening == "(" and _is_one(group.parts) and not _is_called(group, around):
        first = group.parts[0]
        # What was set apart by the parenthesis is so still.
        around.append(_Sign(first.kind, first.text, True) if isinstance(first, _Sign) else _apart(first))
        around.extend(group.parts[1:])
        return
    around.append(group)


def _apart(group: _Group) -> _Group:
    return _Group(group.opening, True, group.parts)


def _is_called(group: _Group, around: list[_Sign | _Group]) -> bool:
    """Whether the parentheses stand directly behind a name, and hold what a function is given."""
    return bool(around) and not group.apart and isinstance(around[-1], _Sign) and around[-1].kind in ("word", "quoted")


def _is_one(parts: list[_Sign | _Group]) -> bool:
    """Whether it needs no parentheses: a name, a value, a call, an array, a group."""
    if not parts or (isinstance(parts[0], _Sign) and parts[0].kind not in ("word", "quoted", "string")):
        return False
    after_dot = False
    for part in parts[1:]:
        dot = isinstance(part, _Sign) and part.text == "."
        if not (dot or after_dot or (isinstance(part, _Group) and not part.apart)):
            return False
        after_dot = dot
    return True


def _spliced(group: _Group) -> _Group:
    """``(a AND b) AND c`` as ``a AND b AND c``, and the same of OR."""
    joined = _joined_by(group)
    if not joined:
        return group
    parts: list[_Sign | _Group] = []
    for place, part in enumerate(group.parts):
        if isinstance(part, _Group) and _is_operand(group.parts, place) and _joined_by(part) == joined:
            parts.extend(part.parts)
        else:
            parts.append(part)
    return _Group(group.opening, group.apart, parts)


def _joined_by(group: _Group) -> str:
    """AND or OR, if that alone joins what the group holds; it may be no query and no CASE."""
    words = {part.text for part in group.parts if isinstance(part, _Sign) and part.kind == "word"}
    joining = [word for word in _JOINING if word in words]
    if group.opening == "[" or len(joining) != 1 or words & {"SELECT", "WITH", "VALUES", "CASE", "BETWEEN", "NOT"}:
        return ""
    return joining[0]


def _is_operand(parts: list[_Sign | _Group], place: int) -> bool:
    """Whether a group is all of what stands between two joining words, or the ends."""
    before = parts[place - 1] if place else None
    after = parts[place + 1] if place + 1 < len(parts) else None
    return all(one is None or (isinstance(one, _Sign) and one.text in _JOINING) for one in (before, after))


def _written(group: _Group) -> str:
    text = ""
    for part in group.parts:
        if isinstance(part, _Sign):
            text += f" {part.text}"
        else:
            text += f"{' ' if part.apart else ''}{part.opening}{_written(part)}{_CLOSING[part.opening]}"
    return text.lstrip(" ")
