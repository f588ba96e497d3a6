# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows in a plain dump: each ``COPY … FROM stdin`` of it as a stream, and the dump without them.

A function's body may hold a line that looks like one; it is inside quotes, which the rows themselves never are.
https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .. import names
from ..errors import VerificationFailed
from ..ports.database import codec
from ..postgres import pg_tools
from ..sql_text import open_at_end

_NAME = r'(?:"(?:[^"]|"")*"|[^\s".,()]+)'
_COPY = re.compile(rf"COPY ({_NAME})\.({_NAME}) (?:\(({_NAME}(?:, {_NAME})*)\))? FROM stdin;\n", re.DOTALL)
_BEGINS = b"COPY "
_END = b"\\.\n"
_REFRESH = b"REFRESH MATERIALIZED VIEW "


@dataclass(frozen=True)
class Block:
    """The rows of one table.

    :param columns: of the rows, in their order.
    :param encoding: as PostgreSQL calls it.
    :param rows: in COPY's text format; what is not read of it is passed over.
    """

    schema: str
    name: str
    columns: tuple[str, ...]
    encoding: str
    rows: Iterator[bytes]


def blocks(script: Iterator[bytes]) -> Iterator[Block]:
    """Every table's rows, in the order of the dump.

    :raises VerificationFailed: it ends inside a table.
    """
    for part in _parts(script):
        if isinstance(part, Block):
            yield part


def left_out(script: Iterator[bytes]) -> Iterator[bytes]:
    """The dump without rows, and without what would fill materialized views."""
    for part in _parts(script):
        if not isinstance(part, Block) and not part.startswith(_REFRESH):
            yield part


def _parts(script: Iterator[bytes]) -> Iterator[bytes | Block]:
    """Lines of SQL, and blocks of rows."""
    reader = _Reader(script)
    text, encoding = "", ""
    while line := reader.line():
        if line.startswith(_BEGINS) and not open_at_end(text):
            while line.count(b'"') % 2:
                line += reader.line()
            block = _block(line, encoding, reader)
            if block:
                yield block
                for _rest in block.rows:
                    pass
                text = ""
                continue
        text += line.decode("latin-1")
        encoding = encoding or _encoding(line)
        yield line


def _encoding(line: bytes) -> str:
    return pg_tools.encoding_of_script(line.decode("latin-1")) if line.startswith(b"SET client_encoding") else ""


def _block(line: bytes, encoding: str, reader: _Reader) -> Block | None:
    found = _COPY.fullmatch(line.decode(codec(encoding or "UTF8"), "surrogateescape"))
    if found is None:
        return None
    schema, name, columns = found.groups()
    listed = tuple(names.unquoted(column) for column in re.findall(_NAME, columns or ""))
    return Block(names.unquoted(schema), names.unquoted(name), listed, encoding or "UTF8", reader.rows())


class _Reader:
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._place = 0

    def line(self) -> bytes:
        """With its line feed; empty at the end."""
        while (end := self._held.find(b"\n", self._place)) < 0:
            if not self._more():
                end = len(self._held) - 1
                break
        found, self._place = self._held[self._place : end + 1], end + 1
        return found

    def rows(self) -> Iterator[bytes]:
        """Whole lines up to the end of the rows.

        :raises VerificationFailed: there is none.
        """
        while True:
            if self._held.startswith(_END, self._place):
                self._place += len(_END)
                return
            end = self._held.find(b"\n" + _END, self._place)
            last = end if end >= 0 else self._held.rfind(b"\n", self._place)
            if last >= 0:
                found, self._place = self._held[self._place : last + 1], last + 1
                yield found
            elif not self._more():
                raise VerificationFailed("ends inside the rows of a table")

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._held, self._place = self._held[self._place :] + chunk, 0
        return bool(chunk)
