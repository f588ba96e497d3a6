# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Level decode: what is stored can be read to its last byte, and its parts tell the same. No server is needed.

The script was derived from the archive, so it is derived again and compared: each vouches for the other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from ..backup_set import archives, csv_files, csv_records, gzip_files, scripts
from ..backup_set.manifest import ARCHIVE, GLOBALS, SCRIPT, BackupFile, Manifest
from ..errors import CommandFailed, FileFailed, VerificationFailed
from ..ports import commands, files
from ..ports.database import codec
from ..postgres import pg_tools
from . import server_globals
from .findings import Damaged, Found


@dataclass(frozen=True)
class Decoding:
    """:param tools: of the major that the backup was taken with.
    :param stall_limit: seconds that a program may go on without a word, before it is ended.
    """

    directory: Path
    manifest: Manifest
    tools: pg_tools.Tools
    stall_limit: float


def look(of: Decoding, found: Found) -> None:
    """Decode every block, see the end markers, parse every CSV."""
    with found.timed("archive and script"):
        _archive_and_script(of, found)
    if not found.findings:
        with found.timed("sequences"), found.blaming(ARCHIVE):
            _sequences(of, found)
    with found.timed(GLOBALS), found.blaming(GLOBALS):
        _globals(of, found)
    for file in of.manifest.csv_files:
        with found.timed(file.name), found.blaming(file.name):
            _csv(of, file, found)


def _archive_and_script(of: Decoding, found: Found) -> None:
    """Both at once; when one is damaged, the other is still read to its end."""
    try:
        with ExitStack() as stack:
            derived, stored = (stack.enter_context(closing(read(of))) for read in (_derived, _stored))
            line = scripts.first_difference(derived, stored)
    except Damaged as error:
        found.add(error.file, error.what)
        with found.blaming(""):
            for _chunk in _stored(of) if error.file == ARCHIVE else _derived(of):
                pass
        return
    if line is not None:
        found.add(SCRIPT, f"is not what the archive says, from its line {line:,} on{_by_others(of)}")


def _derived(of: Decoding) -> Generator[bytes, None, None]:
    argv = pg_tools.script_of_archive(of.tools, str(of.directory / ARCHIVE))
    return _of(ARCHIVE, commands.stream(commands.Command(argv, stall_limit=of.stall_limit)))


def _stored(of: Decoding) -> Generator[bytes, None, None]:
    return _of(SCRIPT, gzip_files.read(of.directory / SCRIPT))


def _of(name: str, chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """A canonical script whose faults are reported with the name of the file they are in.

    :raises Damaged: it cannot be read to its end, or that is not the end of a dump.
    """
    try:
        yield from scripts.canonical(chunks)
    except (CommandFailed, FileFailed, VerificationFailed) as error:
        raise Damaged(name, error.what) from error


def _by_others(of: Decoding) -> str:
    """Other minors of a major may write another text of the same archive."""
    if of.tools.version == of.manifest.tools_version:
        return ""
    return f" (by pg_restore {of.tools.version}; it was written with {of.manifest.tools_version})"


def _sequences(of: Decoding, found: Found) -> None:
    if archives.sequences(of.tools, of.directory / ARCHIVE, of.stall_limit) != dict(of.manifest.fingerprint.sequences):
        found.add(ARCHIVE, "sets other sequence values than the manifest says")


def _globals(of: Decoding, found: Found) -> None:
    script = files.read_bytes(of.directory / GLOBALS)
    if not server_globals.complete(script):
        found.add(GLOBALS, "has no end marker of a complete dump")
    elif not server_globals.makes(script, of.manifest.properties.owner):
        found.add(GLOBALS, f"does not make the role {of.manifest.properties.owner}, who owns the database")


def _csv(of: Decoding, file: BackupFile, found: Found) -> None:
    path = of.directory / file.name
    try:
        encoding = codec(csv_files.encoding_of(file.load))
        with files.reporting(f"{path} could not be read", path), path.open("rb") as lines:
            rows = csv_records.parse(lines, encoding).rows
    except (KeyError, ValueError) as error:
        found.add(file.name, str(error))
        return
    if rows != file.rows:
        found.add(file.name, f"has {rows:,} records instead of {file.rows:,}")
