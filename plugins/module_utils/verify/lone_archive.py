# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify a dump that was made by hand: it decodes, it restores; what it should hold was not recorded."""

from __future__ import annotations

import re
import secrets
import tarfile
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import names
from ..backup_set import archives, custom_format, gzip_files, scripts
from ..compare import fingerprint
from ..copies import restorer
from ..errors import BadRequest, NotABackup
from ..model import Target
from ..ports import commands, files, signals
from ..ports.database import WRITING, environment, identifier, literal, session, statement
from ..postgres import client_tools, identity, pg_tools, queries
from . import apart, findings, instance, origin, privileged
from .findings import BackupProof, Found

STALL_SECONDS = 1800

UNKNOWN = (
    "no checksums: the files cannot be compared with what was written",
    "no counts and no content hashes: missing or altered rows cannot be detected",
    "no snapshot and no identity of a database: only the archive itself says when and of which database it was taken",
    "no roles and tablespaces, no database's own privileges and settings: they are in no dump of one database",
)

_HEAD_BYTES = 4096
_TAR_BLOCK = 512
_WRITTEN_BY = re.compile(rb"^-- Dumped by pg_dump version (\d+)", re.MULTILINE)
_ENCODING = re.compile(rb"^SET client_encoding = '(\w+)';$", re.MULTILINE)

_EXTENSION = re.compile(rb'CREATE EXTENSION IF NOT EXISTS ("(?:[^"]|"")*"|\w+) WITH SCHEMA ("(?:[^"]|"")*"|\w+);$')

# What would lead psql out of the scratch database. In the rows of a COPY a backslash begins an escape of its own.
_LEADING_OUT = re.compile(
    rb"^(?:\\(?![.NbfnrtvxX0-7\\\n]|restrict |unrestrict )\S+|(?:CREATE|DROP|ALTER) (?:DATABASE|ROLE|TABLESPACE) )"
)


@dataclass(frozen=True)
class ArchiveRequest:
    """:param archive: a file, or the directory of the directory format.
    :param level: ``decode`` or ``restore``.

    The others as in :class:`verify.VerifyRequest`.
    """

    target: Target
    archive: Path
    level: str
    jobs: int
    proof: str
    instance_options: instance.Options
    trusted: bool
    fail: bool
    stall_limit: float = STALL_SECONDS


@dataclass(frozen=True)
class Dump:
    """:param format: ``custom``, ``directory``, ``tar`` or ``script``.
    :param major: of the pg_dump that wrote it.
    """

    path: Path
    format: str
    major: int
    gzipped: bool = False


def plan(request: ArchiveRequest) -> Dump:
    """
    :raises BadRequest: a level was asked for that there is not.
    :raises Refused: its SQL would run with our rights.
    :raises NotABackup: the file is no dump of pg_dump's.
    :raises FileFailed: it cannot be read.
    """
    if request.level == "checksum":
        raise BadRequest(
            "An archive that was made by hand has no checksums to compare with.",
            remedy="Choose level decode or restore, or take a backup with pg_backup.",
        )
    if request.level == "restore" and not request.trusted:
        origin.require_apart(request.archive, _place(request))
    return _recognised(request.archive)


def _place(request: ArchiveRequest) -> str:
    """Where nothing is known of the room that it needs, a server is no place to try."""
    return origin.TEMPORARY_INSTANCE if request.proof == "auto" else request.proof


def run(request: ArchiveRequest) -> BackupProof:
    """Decode it, then restore it; the notes say what that does not prove.

    :raises PgsafeError: as in :func:`plan`, or the verification itself could not be done.
    """
    dump = plan(request)
    looks = {
        "decode": lambda found: _decode(request, dump, found),
        "restore": lambda found: _restore(request, dump, found),
    }
    with signals.raised("The verification"):
        return findings.by_levels(looks, request.level, None)


def _recognised(path: Path) -> Dump:
    toc = path / "toc.dat"
    head = _head(files.chunks(toc if path.is_dir() else path))
    try:
        if path.is_dir():
            return Dump(path, "directory", archives.major_of(head))
        if head.startswith(custom_format.MAGIC):
            return Dump(path, "custom", archives.major_of(head))
        if head[_TAR_BLOCK:].startswith(custom_format.MAGIC):
            return Dump(path, "tar", archives.major_of(head[_TAR_BLOCK:]))
        return _script(path, head)
    except (ValueError, IndexError) as error:
        raise NotABackup(
            f"{path} is no dump of pg_dump's: {error}.",
            remedy="Name a dump in the custom, directory, tar or SQL format.",
        ) from error


def _head(chunks: Generator[bytes, None, None]) -> bytes:
    with closing(chunks):
        return next(chunks, b"")[:_HEAD_BYTES]


def _script(path: Path, head: bytes) -> Dump:
    gzipped = head.startswith(b"\x1f\x8b")
    text = gzip_files.head(head, _HEAD_BYTES) if gzipped else head
    found = _WRITTEN_BY.search(text)
    if not found:
        raise ValueError("no line at its head says which pg_dump wrote it")
    return Dump(path, "script", int(found.group(1)), gzipped)


def _decode(request: ArchiveRequest, dump: Dump, found: Found) -> None:
    found.notes += UNKNOWN
    if dump.format == "tar":
        found.notes.append("the tar format carries no checksum at all: a flipped bit in the rows is not noticed")
        with found.timed("members"), found.blaming(dump.path.name):
            _whole_tar(dump, found)
        if found.findings:
            # pg_restore reads a cut one for ever, or takes it for a whole one.
            return
    with found.timed("decode"), found.blaming(dump.path.name):
        for _chunk in scripts.canonical(_text(request, dump)):
            pass


def _whole_tar(dump: Dump, found: Found) -> None:
    try:
        with files.reporting(f"{dump.path} could not be read", dump.path), tarfile.open(dump.path, "r:") as members:
            for member in members:
                stream = members.extractfile(member)
                while stream and stream.read(files.BUFFER_BYTES):
                    pass
        _end_of_tar(dump, found)
    except tarfile.TarError as error:
        found.add(dump.path.name, f"is no whole tar: {error}")


def _end_of_tar(dump: Dump, found: Found) -> None:
    """A tar ends with blocks of zeros; without them some members may be missing."""
    with files.reporting(f"{dump.path} could not be read", dump.path), dump.path.open("rb") as stream:
        stream.seek(-min(2 * _TAR_BLOCK, dump.path.stat().st_size), 2)
        if stream.read().strip(b"\0"):
            found.add(dump.path.name, "is no whole tar: it lacks its end")


def _text(request: ArchiveRequest, dump: Dump, *options: str) -> Generator[bytes, None, None]:
    """The SQL that it decodes to."""
    if dump.format == "script":
        return gzip_files.read(dump.path) if dump.gzipped else files.chunks(dump.path)
    tools = client_tools.find(request.target, dump.major)
    argv = pg_tools.script_of_archive(tools, str(dump.path), *options)
    return commands.stream(commands.Command(argv, stall_limit=request.stall_limit))


def _restore(request: ArchiveRequest, dump: Dump, found: Found) -> None:
    if dump.format == "script":
        with found.timed("read"):
            _stays_inside(request, dump, found)
        if found.findings:
            return
    found.notes.extend(origin.reaching_out(scripts.lines(_text(request, dump))))
    if _place(request) == origin.TEMPORARY_INSTANCE:
        found.notes.append("its roles and tablespaces were made up by name")
        allowed = request.trusted or origin.superuser_allowed()
        needed = list(privileged.entries(scripts.lines(_schema(request, dump))))
        restoring = partial(_restore_apart, request, dump)
        apart.restore(restoring, needed, found, apart.Rule(dump.path, superuser_allowed=allowed))
        return
    with session(request.target.maintenance, purpose="verify") as server:
        tools = client_tools.find(request.target, identity.server(server).major)
    _restore_on(request.target, tools, request, dump, found)


def _restore_apart(request: ArchiveRequest, dump: Dump, found: Found, *, as_superuser: bool) -> None:
    wanted = instance.for_archive(request.instance_options, dump.path, dump.major, _globals(request, dump))
    with instance.running(wanted, found, as_superuser=as_superuser) as target:
        _restore_on(target, wanted.tools, request, dump, found)


def _restore_on(target: Target, tools: pg_tools.Tools, request: ArchiveRequest, dump: Dump, found: Found) -> None:
    with _database(request, dump, target) as name:
        with found.timed("restore"), found.blaming(dump.path.name, "does not restore: "):
            _load(request, dump, target.database(name), tools)
        if not found.findings:
            restorer.settle(target, name)
            _tell_what_came(target.database(name), found)


def _stays_inside(request: ArchiveRequest, dump: Dump, found: Found) -> None:
    """psql obeys a script: one that goes to another database would be restored over that one."""
    for line in scripts.lines(_text(request, dump)):
        leading = _LEADING_OUT.match(line)
        if leading:
            told = leading.group().decode("utf-8", "replace").strip()
            found.add(dump.path.name, f"is not restored: its {told} would change more than a scratch database")
            return


def _globals(request: ArchiveRequest, dump: Dump) -> bytes:
    """The roles and tablespaces that it names, which an empty cluster has not."""
    return scripts.globals_of(_schema(request, dump))


def _schema(request: ArchiveRequest, dump: Dump) -> Generator[bytes, None, None]:
    """Its SQL, without the rows where the format lets them be left out."""
    return _text(request, dump, "--schema-only")


@contextmanager
def _database(request: ArchiveRequest, dump: Dump, target: Target) -> Iterator[str]:
    """An empty database of its encoding; of the locale it says nothing that every format has."""
    with signals.made(partial(_created, request, dump, target), partial(_dropped, target)) as name:
        restorer.prepare(target, name)
        yield name


def _created(request: ArchiveRequest, dump: Dump, target: Target) -> str:
    name = names.beside("archive", "scratch", secrets.token_hex(6))
    encoding = _ENCODING.search(_head(_schema(request, dump)))
    create = (
        "CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING {encoding} LC_COLLATE 'C' LC_CTYPE 'C'"
        " CONNECTION LIMIT {limit}"
    )
    with session(target.maintenance, WRITING, "verify") as server:
        owner = server.value("SELECT CURRENT_USER") if target.administrator is None else target.params["user"]
        parts = {
            "owner": identifier(owner),
            "name": identifier(name),
            # Of a superuser's, none for all others, who could plant what reading a table runs.
            "limit": literal(0 if target.administrator is None and server.value(queries.IS_SUPERUSER) else -1),
            "encoding": literal(encoding.group(1).decode() if encoding else "UTF8"),
        }
        server.execute(statement(create, **parts))
    return name


def _dropped(target: Target, name: str) -> None:
    with session(target.maintenance, WRITING, "verify") as server:
        server.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(name)))


def _load(request: ArchiveRequest, dump: Dump, target: Target, tools: pg_tools.Tools) -> None:
    env = environment(target, {**WRITING, "synchronous_commit": "off"}, "verify")
    if dump.format == "script":
        _extend(request, dump, target, ("public", "pg_catalog"))
        client_tools.require_restricting(tools)
        argv = pg_tools.run_script(tools, ["-"], single_transaction=True)
        script = scripts.restricted(_text(request, dump))
        commands.write_from(commands.Command(argv, env, stall_limit=STALL_SECONDS), script)
        return
    jobs = 1 if dump.format == "tar" else request.jobs
    parts = archives.parts(tools, dump.path)
    for entries in (parts.schemas, parts.rest):
        with archives.list_file(entries) as chosen:
            argv = pg_tools.restore_archive(tools, str(dump.path), target.dbname, jobs, chosen)
            commands.run(commands.Command(argv, env, stall_limit=STALL_SECONDS))
        if entries is parts.schemas:
            _extend(request, dump, target)


def _extend(request: ArchiveRequest, dump: Dump, target: Target, schemas: Collection[str] | None = None) -> None:
    """Have the administrator of a temporary instance create the extensions, if the restoring role has one.

    :param schemas: those that are there; None for all that it names.
    """
    if target.administrator is None:
        return
    wanted = [found.groups() for found in map(_EXTENSION.match, scripts.lines(_schema(request, dump))) if found]
    with restorer.extending(target) as server:
        for name, schema in [tuple(pg_tools.label(text.decode()) for text in pair) for pair in wanted]:
            if schemas is None or schema in schemas:
                made = "CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema}"
                server.execute(statement(made, name=identifier(name), schema=identifier(schema)))


def _tell_what_came(target: Target, found: Found) -> None:
    with session(target, purpose="verify") as reader:
        rows = fingerprint.row_counts(reader)
    found.notes.append(f"restored: {sum(rows.values()):,} rows in {len(rows)} tables")
