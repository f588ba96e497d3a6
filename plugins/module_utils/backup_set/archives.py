# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading an archive without a server: with pg_restore, and its first bytes without any program."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import VerificationFailed
from ..ports import commands
from ..ports.database import codec
from ..postgres import pg_tools
from .custom_format import MAGIC

STALL_SECONDS = 1800


@dataclass(frozen=True)
class Parts:
    """An archive's entries in the order in which they are restored.

    :param schemas: as a list for ``pg_restore --use-list``.
    :param extensions: names, each after those that it requires.
    :param rest: all but the schemas; an extension that is there already is passed over.
    """

    schemas: str
    extensions: tuple[str, ...]
    rest: str

    @property
    def views(self) -> tuple[str, ...]:
        """The entries that fill materialized views, each as a list of its own."""
        return pg_tools.view_entries(self.rest)[0]

    @property
    def but_views(self) -> Parts:
        return replace(self, rest=pg_tools.view_entries(self.rest)[1])

    @property
    def without_rows(self) -> Parts:
        return replace(self, rest=pg_tools.entries_without_rows(self.rest))


def parts(tools: pg_tools.Tools, archive: Path) -> Parts:
    """
    :raises CommandFailed: its table of contents cannot be read.
    """
    listing = _output(pg_tools.list_of_archive(tools, str(archive)), STALL_SECONDS)
    schemas, rest = pg_tools.schema_entries(listing)
    return Parts(schemas, pg_tools.extension_names(listing), rest)


@contextmanager
def list_file(entries: str) -> Iterator[str]:
    """A file for ``pg_restore --use-list``, for the time of the block."""
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8", errors="surrogateescape") as chosen:
        chosen.write(entries)
        chosen.flush()
        yield chosen.name


def schema(tools: pg_tools.Tools, archive: Path, stall_limit: float = STALL_SECONDS) -> Generator[bytes, None, None]:
    """The SQL of an archive, without its rows."""
    argv = pg_tools.script_of_archive(tools, str(archive), "--schema-only")
    return commands.stream(commands.Command(argv, stall_limit=stall_limit))


def rows(
    tools: pg_tools.Tools, archive: Path, tables: Iterable[tuple[str, str]], stall_limit: float = STALL_SECONDS
) -> Generator[bytes, None, None]:
    """The rows of some tables as the script of a dump has them; pg_restore goes to where they are in the archive.

    :param tables: by schema and name.
    :raises CommandFailed: the archive cannot be read.
    """
    listing = _output(pg_tools.list_of_archive(tools, str(archive)), stall_limit)
    with list_file(pg_tools.entries_of_rows(listing, tables)) as chosen:
        argv = pg_tools.entries_of_archive(tools, str(archive), chosen)
        yield from commands.stream(commands.Command(argv, stall_limit=stall_limit))


def sequences(tools: pg_tools.Tools, archive: Path, stall_limit: float = STALL_SECONDS) -> dict[str, str]:
    """The sequence states an archive will set, by label, such as ``42,t``.

    :param stall_limit: seconds that pg_restore may go on without a word.
    :raises CommandFailed: its table of contents cannot be read.
    :raises VerificationFailed: it is no text in the encoding that it names.
    """
    listing = _output(pg_tools.list_of_archive(tools, str(archive)), stall_limit)
    with list_file(pg_tools.sequence_entries(listing)) as chosen:
        argv = pg_tools.entries_of_archive(tools, str(archive), chosen)
        return pg_tools.sequence_values(_decoded(_output(argv, stall_limit)))


def _decoded(script: str) -> str:
    """A script that was taken for UTF-8, in the encoding that it says it has."""
    encoding = pg_tools.encoding_of_script(script)
    try:
        return script.encode("utf-8", "surrogateescape").decode(codec(encoding))
    except (KeyError, UnicodeDecodeError) as error:
        raise VerificationFailed(f"says that it is in {encoding}, which it is not") from error


def _output(argv: tuple[str, ...], stall_limit: float) -> str:
    return commands.output(commands.Command(argv, stall_limit=stall_limit))


def major_of(head: bytes) -> int:
    """The major of the pg_dump that wrote an archive, from the first bytes of its table of contents.

    Read as ReadHead() of src/bin/pg_dump/pg_backup_archiver.c reads them.

    :raises ValueError: this is no such table of contents.
    """
    if not head.startswith(MAGIC):
        raise ValueError("it does not begin as an archive of pg_dump does")
    reader = io.BytesIO(head[len(MAGIC) :])
    fixed = reader.read(6)
    if len(fixed) < 6:
        raise ValueError("it ends inside its head")
    major, minor, _revision, int_size, _offset_size, _format = fixed
    if (major, minor) >= (1, 15):
        reader.read(1)
    else:
        _integer(reader, int_size)
    for _part_of_the_date in range(7):
        _integer(reader, int_size)
    _database, _server, written_by = (_text(reader, int_size) for _which in range(3))
    found = re.match(r"\d+", written_by)
    if not found:
        raise ValueError("it does not say which pg_dump wrote it")
    return int(found.group())


def _integer(reader: io.BytesIO, size: int) -> int:
    negative = reader.read(1) == b"\1"
    value = int.from_bytes(reader.read(size), "little")
    return -value if negative else value


def _text(reader: io.BytesIO, int_size: int) -> str:
    return reader.read(max(0, _integer(reader, int_size))).decode("utf-8", "replace")
