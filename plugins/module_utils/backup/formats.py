# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writing each format of a backup but the CSVs: archive, SQL script, globals, the audit's report.

A failure says which format it was and how far it got.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from .. import text as report
from ..audit.report import AuditReport
from ..backup_set import custom_format, gzip_files, manifest
from ..backup_set.manifest import BackupFile
from ..errors import CommandFailed, FileFailed
from ..model import Target
from ..ports import commands, files, parallel
from ..ports.database import application_name, environment
from ..postgres import pg_tools, snapshot
from . import audit_report

GLOBALS = manifest.GLOBALS
STALL_SECONDS = 1800

# What pg_dump says last when it is ended by a signal, in no other language.
_ENDED = ": terminated by user"


@dataclass(frozen=True)
class Place:
    """Where a backup comes from and goes to.

    :param purpose: what its sessions call themselves.
    """

    target: Target
    tools: pg_tools.Tools
    directory: Path
    purpose: str

    @property
    def application(self) -> str:
        return application_name(self.purpose)


def listed(name: str, kind: str, digest: files.Digest) -> BackupFile:
    """The manifest's entry of a file."""
    return BackupFile(name, kind, digest.size, digest.sha256, report.DESCRIPTIONS[kind])


def compression_facts(method: str, level: int) -> dict[str, object]:
    """What the manifest says of the archive's compression: only gzip's streams carry a checksum of their content."""
    return {"method": method, "level": level, "content_checksum": method == "gzip"}


def archive(place: Place, snap: snapshot.Snapshot, compress: str, stop: parallel.Stop) -> list[str]:
    """Dump into a custom-format archive; its warnings.

    The file is seekable, so that pg_dump can go back and note where each table begins: a parallel restore needs it.

    :raises CommandFailed: pg_dump failed, or made no progress.
    """
    path = place.directory / manifest.ARCHIVE
    partial = files.partial_name(path)
    argv = pg_tools.dump_archive(place.tools, str(partial), snap.name, compress, snapshot.LOCK_WAIT_SECONDS)
    env = environment(place.target, purpose=place.purpose)
    with _telling(partial, manifest.ARCHIVE):
        done = commands.run(commands.Command(argv, env, stall_limit=STALL_SECONDS), lambda: _progress(stop, partial))
        with files.reporting(f"{manifest.ARCHIVE} could not be written", path):
            partial.chmod(files.FILE_MODE)
            files.sync_file(partial)
            files.commit(partial, path)
    return [line for line in done.stderr.splitlines() if line.strip()]


def archive_in_parts(
    place: Place, snap: snapshot.Snapshot, compress: str, volatile: Sequence[tuple[str, str]], stop: parallel.Stop
) -> list[str]:
    """As :func:`archive`, but volatile tables are locked only while their rows and all definitions are read.

    It takes three pg_dumps of the snapshot. The first gives the table of contents and is ended; the second gives the
    rows of the volatile tables; the third gives all other rows, and locks no volatile table.
    """
    said: list[str] = []

    def output(*options: str, told: Callable[[str], object] | None = None) -> Generator[bytes, None, None]:
        argv = pg_tools.dump_stream(place.tools, snap.name, compress, snapshot.LOCK_WAIT_SECONDS, *options)
        env = environment(place.target, purpose=place.purpose)
        return commands.stream(commands.Command(argv, env, stall_limit=STALL_SECONDS), told)

    # Dumps of rows alone warn of foreign keys in a circle, which the definitions of the first one take care of.
    rows = [output(*options(volatile)) for options in (pg_tools.rows_of, pg_tools.rows_of_others)]
    with closing(output(told=said.append)) as whole, closing(rows[0]), closing(rows[1]):
        dumps = [custom_format.Dump(stop.checked(chunks)) for chunks in (whole, *rows)]
        path = place.directory / manifest.ARCHIVE
        with _telling(path, manifest.ARCHIVE):
            parallel.together([dump.begin for dump in dumps], stop)
        whole.close()
        with files.atomic(path) as sink, _telling(files.partial_name(path), manifest.ARCHIVE):
            _put_together(dumps[0].contents, dumps[1:], sink)
    return [line for text in said for line in text.splitlines() if line.strip() and not line.endswith(_ENDED)]


def _put_together(whole: custom_format.Contents, parts: Sequence[custom_format.Dump], sink: files.Sink) -> None:
    """
    :raises CommandFailed: the parts are not what the table of contents names.
    """
    left, place = dict(whole.entries), sink.write(whole.text)
    sink.flush()
    for block in chain.from_iterable(part.blocks() for part in parts):
        entry = left.pop(block.of, None)
        if entry is None:
            raise CommandFailed(f"pg_dump gave rows that its table of contents does not name: {block.of}.")
        whole.note(entry, place)
        place += sink.write(block.kind + whole.integer(entry.number))
        place += sum(sink.write(piece) for piece in block.pieces)
    if left:
        raise CommandFailed(f"pg_dump gave no rows for {report.first_few([repr(key) for key in left])}.")
    sink.replace_beginning(bytes(whole.text))


def archive_bytes(place: Place) -> int:
    """How far pg_dump is; it writes nothing before it has locked its tables and read the catalogs."""
    return _written(files.partial_name(place.directory / manifest.ARCHIVE))


def _progress(stop: parallel.Stop, path: Path) -> int:
    stop.check()
    return _written(path)


def _written(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _telling(path: Path, name: str) -> Iterator[None]:
    """Say which format failed, and how far it had got."""
    try:
        yield
    except (CommandFailed, FileFailed) as error:
        error.what = f"{name} could not be written ({report.size(_written(path))} were): {error.what}"
        error.remedy = error.remedy or _remedy(error.what, path)
        raise


def _remedy(what: str, path: Path) -> str:
    if "No space left" in what:
        return (
            f"Free space on the filesystem of {path.parent} (see: df -h {path.parent}), or choose another backup_root."
        )
    if "row-level security" in what or "row security" in what:
        return (
            "Connect as a superuser or as a role with BYPASSRLS; the owner is enough unless the table has FORCE ROW "
            "LEVEL SECURITY: ALTER TABLE … NO FORCE ROW LEVEL SECURITY."
        )
    if "permission denied" in what or "lack SELECT privilege" in what:
        return "Connect as the owner or as a superuser, or have the owner GRANT SELECT on the table to the role."
    return ""


def script(place: Place, level: int, stop: parallel.Stop) -> BackupFile:
    """Derive the SQL script from the archive: the database is not read again, and every block is decoded.

    :raises CommandFailed: pg_restore or the compressor failed.
    """
    path = place.directory / manifest.SCRIPT
    argv = pg_tools.script_of_archive(place.tools, str(place.directory / manifest.ARCHIVE))
    command = commands.Command(argv, stall_limit=STALL_SECONDS)
    with _telling(files.partial_name(path), manifest.SCRIPT), files.atomic(path) as sink:
        gzip_files.compress(command, sink, level, stop.check)
    return listed(manifest.SCRIPT, "sql", sink.digest)


def archive_digest(place: Place) -> BackupFile:
    """While the script is derived from it: pg_dump seeks back to complete the archive's table of contents, so its
    digest cannot be computed while it is written, but its blocks are read just now anyway."""
    return listed(manifest.ARCHIVE, "dump", files.sha256_of(place.directory / manifest.ARCHIVE))


def server_globals(place: Place) -> BackupFile:
    """Roles and tablespaces, which belong to the server and are in no dump of a database; without passwords."""
    argv = pg_tools.globals_only(place.tools, place.target.maintenance_db)
    env = environment(place.target.maintenance, purpose=place.purpose)
    path = place.directory / GLOBALS
    with _telling(path, GLOBALS):
        text = commands.output(commands.Command(argv, env, time_limit=STALL_SECONDS))
        return listed(GLOBALS, "globals", files.write_text(path, text))


def report_of_audit(place: Place, result: AuditReport) -> BackupFile:
    path = place.directory / manifest.AUDIT_REPORT
    return listed(path.name, "report", files.write_text(path, audit_report.text(result)))
