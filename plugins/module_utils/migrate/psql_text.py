# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements and meta-commands of a file, split as psql splits them; pure.

https://www.postgresql.org/docs/current/app-psql.html and src/fe_utils/psqlscan.l, psqlscanslash.l. Variables are not
expanded and the branches of ``\\if`` are all read, so this is a look ahead and proves nothing about what psql will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Union

_WORDS_KEPT = 64

_TOKEN = re.compile(
    r"""(?P<quoted>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")"""
    r"""|(?P<open>[eE]?'|"|/\*|\$(?:[^\W\d]\w*)?\$)"""
    r"""|(?P<word>[^\W\d][\w$]*)"""
    r"""|(?P<separator>\\;)|(?P<colon>\\:)|(?P<meta>\\(?:[^\s\\]+|\\)?)"""
    r"""|(?P<other>.)""",
    re.DOTALL,
)
# It finds nothing at all, too, and nothing behind it makes it give back what it has found.
_SPACE = re.compile(r"(?:\s+|--[^\n]*)*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
# An argument of a meta-command: https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS
_ARGUMENT = re.compile(
    r"""'(?:[^'\\\n]|\\.|'')*'|"(?:[^"\n]|"")*"|`[^`\n]*`|(?P<next>\\)|(?P<end>\n)|[^\S\n]+|[^\s\\'"`]+|."""
)
# As psql splits the words of \\copy: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/psql/copy.c
_COPY_WORD = re.compile(r"""\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|[.,()]|[^\s.,()'"]+|.)""")
_COPY_SOURCE = re.compile(r"\s*('(?:[^']|'')*'|[^\s;']+)")
_END_OF_DATA = re.compile(r"^\\\.\r?$\n?", re.MULTILINE)
# These take the rest of the line, backslashes and quotes included.
_WHOLE_LINE = frozenset({"!", "copy", "ef", "ev", "h", "help", "sf", "sf+", "sv", "sv+"})
_SEND_BUFFER = frozenset({"g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch", "bind", "bind_named", "parse"})


@dataclass(frozen=True)
class Statement:
    """:param line: of its first word, from 1.
    :param words: its first keywords and names outside parentheses, in upper case.
    """

    line: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class MetaCommand:
    """:param name: without the backslash.
    :param arguments: as they are written, quotes included.
    """

    line: int
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Unterminated:
    """A quote or comment that the end of the file leaves open.

    :param opening: such as ``'`` or ``/*``.
    """

    line: int
    opening: str


@dataclass
class _Buffer:
    """What psql has read of a statement that is not complete yet."""

    line: int = 0
    words: list[str] = field(default_factory=list)
    parentheses: int = 0
    bodies: int = 0

    def add(self, word: str) -> None:
        if self.parentheses:
            return
        upper = word.upper()
        if self.words[:1] == ["CREATE"] and self._makes_routine:
            self._enter_body(upper)
        if len(self.words) < _WORDS_KEPT:
            self.words.append(upper)

    @property
    def _makes_routine(self) -> bool:
        """As psql tells the SQL-standard body of a routine, in which a semicolon ends nothing."""
        head = [word for word in self.words[:4] if word not in ("OR", "REPLACE")]
        return head[:1] == ["CREATE"] and head[1:2] in (["FUNCTION"], ["PROCEDURE"])

    def _enter_body(self, word: str) -> None:
        if word == "BEGIN" or (word == "CASE" and self.bodies):
            self.bodies += 1
        elif word == "END" and self.bodies:
            self.bodies -= 1

    @property
    def complete(self) -> bool:
        return self.parentheses == 0 and self.bodies == 0

    @property
    def reads_rows(self) -> bool:
        """COPY … FROM STDIN: the rows follow in the file."""
        return self.words[:1] == ["COPY"] and ("FROM", "STDIN") in zip(self.words, self.words[1:])


Part = Union[Statement, MetaCommand, Unterminated]


def parts(text: str) -> Iterator[Part]:
    """Statements and meta-commands in the order in which psql meets them."""
    return _Reader(text).parts()


def copy_source(argument: str) -> str:
    """What ``\\copy`` reads from, quotes included: a file, ``stdin`` or ``program``; empty where it writes."""
    position = depth = 0
    before = ""
    while found := _COPY_WORD.match(argument, position):
        word, position = found[1].lower(), found.end()
        if depth == 0 and before != "." and word in ("from", "to"):
            source = _COPY_SOURCE.match(argument, position)
            return source[1] if source and word == "from" else ""
        depth += {"(": 1, ")": -1}.get(word, 0)
        before = word
    return ""


class _Reader:
    """A position in a text, and what was read of the statement there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = self._counted = 0
        self._line = 1
        self._buffer = _Buffer()

    def parts(self) -> Iterator[Part]:
        # Most of a file is space and words, for which nothing is called that needs not be.
        while self._begins():
            start = self._position
            found = self._next(_TOKEN)
            if found.lastgroup == "word":
                buffer = self._buffer
                buffer.line = buffer.line or self._line_at(start)
                buffer.add(found.group())
            else:
                yield from self._part(str(found.lastgroup), found.group(), start)
        yield from self._sent()

    def _begins(self) -> bool:
        """Step over spaces and comments; whether anything is behind them."""
        self._next(_SPACE)
        return self._position < len(self._text)

    def _next(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Step over what a pattern finds here; it finds any character at all."""
        found = pattern.match(self._text, self._position)
        if found is None:
            raise ValueError(f"The pattern finds nothing at {self._position}.")
        self._position = found.end()
        return found

    def _part(self, kind: str, text: str, start: int) -> Iterator[Part]:
        if kind == "open":
            yield from self._opened(text, start)
        elif kind == "meta":
            yield from self._meta(text[1:], start)
        elif kind == "separator":
            yield from self._sent()
        elif kind in ("quoted", "other"):
            yield from self._sign(text, start)

    def _sign(self, sign: str, start: int) -> Iterator[Part]:
        buffer = self._buffer
        if sign == ";" and buffer.complete:
            yield from self._sent()
            return
        buffer.line = buffer.line or self._line_at(start)
        if sign == "(":
            buffer.parentheses += 1
        elif sign == ")" and buffer.parentheses:
            buffer.parentheses -= 1

    def _sent(self) -> Iterator[Part]:
        """The end of a statement, and the rows behind it if it reads any."""
        sent, self._buffer = self._buffer, _Buffer()
        if sent.line:
            yield Statement(sent.line, tuple(sent.words))
        if sent.reads_rows:
            self._skip_rows()

    def _skip_rows(self) -> None:
        rest_of_line = self._text.find("\n", self._position)
        end = _END_OF_DATA.search(self._text, rest_of_line + 1) if rest_of_line >= 0 else None
        self._position = end.end() if end else len(self._text)

    def _opened(self, opening: str, start: int) -> Iterator[Part]:
        self._buffer.line = self._buffer.line or (0 if opening == "/*" else self._line_at(start))
        if opening == "/*":
            end = self._end_of_comment()
        elif opening.startswith("$"):
            found = self._text.find(opening, self._position)
            end = found + len(opening) if found >= 0 else None
        else:
            end = None
        if end is None:
            yield Unterminated(self._line_at(start), opening)
        self._position = len(self._text) if end is None else end

    def _end_of_comment(self) -> int | None:
        depth = 1
        for edge in _COMMENT_EDGE.finditer(self._text, self._position):
            depth += 1 if edge.group() == "/*" else -1
            if depth == 0:
                return edge.end()
        return None

    def _meta(self, name: str, start: int) -> Iterator[Part]:
        line = self._line_at(start)
        if name in _SEND_BUFFER:
            yield from self._sent()
        arguments = self._rest_of_line() if name in _WHOLE_LINE else self._arguments()
        yield MetaCommand(line, name, arguments)
        if name == "copy" and copy_source(arguments[0]).lower() in ("stdin", "stdout"):
            self._skip_rows()

    def _rest_of_line(self) -> tuple[str, ...]:
        end = self._text.find("\n", self._position)
        end = len(self._text) if end < 0 else end
        start, self._position = self._position, end
        return (self._text[start:end].strip(),)

    def _arguments(self) -> tuple[str, ...]:
        """Up to the end of the line or the next backslash; two of them end the command and nothing more."""
        found: list[str] = []
        joined = False
        while self._position < len(self._text):
            start = self._position
            word = self._next(_ARGUMENT)
            if word.lastgroup == "next":
                self._position = start + (2 if self._text.startswith("\\\\", start) else 0)
            if word.lastgroup:
                break
            if not word.group().isspace():
                found[-1:] = [found[-1] + word.group()] if joined else [*found[-1:], word.group()]
            joined = not word.group().isspace()
        return tuple(found)

    def _line_at(self, position: int) -> int:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line
