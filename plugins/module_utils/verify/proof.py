# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Level restore: the archive restored into an empty database, which then holds what the manifest and the CSVs say.

Where that database is, is the choice of a *place*: it makes one, and decides what becomes of it. A place is a context
manager whose block fails when the backup is not proven, so that nothing unproven can be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .. import names
from ..backup_set import archives, csv_files, csv_records, scripts
from ..backup_set import manifest as manifests
from ..backup_set.manifest import ARCHIVE, GLOBALS, BackupFile, Manifest
from ..compare import fingerprint
from ..copies import as_restored, losses
from ..copies import copy as copies
from ..errors import CommandFailed, QueryFailed, VerificationFailed
from ..journal.journal import Journal
from ..model import Table, Target
from ..ports import files
from ..ports.database import Session, codec, session
from ..postgres import client_tools, identity, owner_code
from ..text import first_few
from . import apart, instance, privileged
from .findings import Damaged, Found

_MOST_DIFFERENCES = 100


@dataclass(frozen=True)
class Stored:
    """A backup to be proven, and how many jobs restore it.

    :param run_directory: where what the copy was like is kept; None when the backup has no run beside it.
    """

    directory: Path
    manifest: Manifest
    jobs: int
    run_directory: Path | None = None


@dataclass(frozen=True)
class Copy:
    """An empty database, the way to its server, and what fills it."""

    target: Target
    name: str
    source: copies.Source


Place = Callable[[Stored, Found], AbstractContextManager[Copy]]


class _Disproved(VerificationFailed):
    """There are findings; they have been reported."""


def look(stored: Stored, place: Place, found: Found) -> None:
    """Restore and compare.

    :raises PgsafeError: no place could be had, which says nothing about the backup.
    """
    try:
        with place(stored, found) as copy:
            _restore(copy, found)
            _compare(copy, stored, found)
            _compare_csvs(copy, found)
            _require_none(found)
            _try_other_ways(copy, found)
    except _Disproved:
        return
    except Damaged as error:
        found.add(error.file, error.what)


def scratch(target: Target) -> Place:
    """A scratch database of a server, dropped in any case."""

    @contextmanager
    def made(stored: Stored, found: Found) -> Iterator[Copy]:
        source, name = _source(target, stored), _name(stored.manifest)
        with _advising(), copies.scratch(target, name, source, "verify"):
            yield Copy(target, name, source)

    return made


def verified_copy(target: Target, run_journal: Journal, *, following: bool) -> Place:
    """A database beside the live one that is kept, closed and analyzed, for a rollback by renames alone.

    :param following: it will follow the live one until the migration.
    """

    @contextmanager
    def made(stored: Stored, found: Found) -> Iterator[Copy]:
        source = _source(target, stored)
        name = names.beside(stored.manifest.identity.name, "ready", stored.manifest.run_id)
        with _advising(), copies.kept_ready(target, name, source, run_journal, following=following):
            yield Copy(target, name, source)
            with found.timed("analyze"):
                # What follows is read again under the fence, and faster where rows are known to be visible.
                copies.analyze(target, name, vacuum=following)

    return made


def _source(target: Target, stored: Stored) -> copies.Source:
    with session(target.maintenance, purpose="verify") as server:
        tools = client_tools.find(target, identity.server(server).major)
    return copies.Source(stored.directory, stored.manifest, tools, stored.jobs)


def look_apart(stored: Stored, options: instance.Options, found: Found, *, superuser_allowed: bool) -> None:
    """Restore and compare in a temporary instance.

    :param superuser_allowed: whether the SQL of the backup may run as a superuser of that cluster.
    :raises Refused: it would have to, and may not.
    :raises PgsafeError: as in :func:`look`.
    """

    def restoring(looked: Found, *, as_superuser: bool) -> None:
        look(stored, temporary_instance(options, as_superuser=as_superuser), looked)

    rule = apart.Rule(stored.directory, superuser_allowed=superuser_allowed)
    apart.restore(restoring, _privileged(stored, options), found, rule)


def _privileged(stored: Stored, options: instance.Options) -> list[str]:
    tools = client_tools.find(Target({}, "", bin_dir=options.bin_dir), stored.manifest.server_major)
    return list(privileged.entries(scripts.lines(archives.schema(tools, stored.directory / ARCHIVE))))


def temporary_instance(options: instance.Options, *, as_superuser: bool) -> Place:
    """A database of a temporary instance that is made for the proof, with the roles of the backup; both are removed."""

    @contextmanager
    def made(stored: Stored, found: Found) -> Iterator[Copy]:
        wanted = instance.for_backup(options, stored.directory, stored.manifest)
        with instance.running(wanted, found, as_superuser=as_superuser) as target:
            source = copies.Source(stored.directory, stored.manifest, wanted.tools, stored.jobs)
            name = _name(stored.manifest)
            with _blaming_globals():
                copies.create(target, name, source)
            yield Copy(target, name, source)

    return made


# A role or a tablespace that is not there: https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED = "42704"


@contextmanager
def _advising() -> Iterator[None]:
    try:
        yield
    except QueryFailed as error:
        if error.sqlstate == _UNDEFINED:
            error.remedy = (
                f"Make on this server what the backup's {GLOBALS} makes, or choose proof: temporary_instance, where it "
                "is made from there."
            )
        raise


@contextmanager
def _blaming_globals() -> Iterator[None]:
    """A cluster has the roles that the backup brings, and no others."""
    try:
        yield
    except QueryFailed as error:
        if error.sqlstate != _UNDEFINED:
            raise
        raise Damaged(GLOBALS, f"does not make all that the database needs: {error.what}") from error


def _name(manifest: Manifest) -> str:
    return names.beside(manifest.identity.name, "scratch", manifest.run_id)


def _restore(copy: Copy, found: Found) -> None:
    with found.timed("restore"), found.blaming(ARCHIVE, "does not restore: "):
        copies.load_archive(copy.target, copy.name, copy.source)
    _require_none(found)


def _require_none(found: Found) -> None:
    if found.findings:
        raise _Disproved("The backup is not proven.")


def _compare(copy: Copy, stored: Stored, found: Found) -> None:
    wanted, database = stored.manifest.fingerprint, copy.target.database(copy.name)
    with found.timed("fingerprint"), found.blaming(ARCHIVE, "does not restore to what can be read: "):
        restored = fingerprint.of_database(database, jobs=stored.jobs, like=wanted)
        differing = fingerprint.differences(wanted, restored)
        for difference in differing[:_MOST_DIFFERENCES]:
            found.add(ARCHIVE, f"restores to something else: {difference}")
        if len(differing) > _MOST_DIFFERENCES:
            found.add(ARCHIVE, f"and to {len(differing) - _MOST_DIFFERENCES} more differences")
    if not differing:
        _note_what_is_lost(losses.proven(stored.manifest.losses, wanted, restored), found)
    if stored.run_directory and not differing:
        as_restored.write(stored.run_directory, manifests.digest_of(stored.directory), restored)


def _note_what_is_lost(lost: Sequence[str], found: Found) -> None:
    """What no dump carries is no difference; but a rollback to this backup would not give it back."""
    found.not_given_back += lost
    if lost:
        found.notes.append(f"a rollback to this backup does not give back: {first_few(lost, 10)}")


def _try_other_ways(copy: Copy, found: Found) -> None:
    """Where the order of loading matters, one way to restore proves nothing of the others, and the notes name each."""
    with session(copy.target.database(copy.name), purpose="compare") as reader:
        code = owner_code.evaluated(reader)
    if not code:
        return
    reason = f"the order of loading may matter, since rows are checked by {first_few([it.described for it in code])}"
    found.notes.append(f"{reason}; restored by the archive with {copy.source.jobs} jobs")
    one_job = replace(copy.source, jobs=1)
    ways: dict[str, Callable[[str], object]] = {
        "the archive with 1 job": lambda name: copies.load_archive(copy.target, name, one_job),
        "the SQL script": lambda name: copies.load_script(copy.target, name, copy.source),
    }
    for way, load in ways.items():
        with found.timed(f"restore by {way}"):
            found.notes.append(_tried(copy, way, load))


def _tried(copy: Copy, way: str, load: Callable[[str], object]) -> str:
    name = names.beside(copy.source.manifest.identity.name, "trial", copy.source.manifest.run_id)
    try:
        with copies.scratch(copy.target, name, copy.source, "verify"):
            load(name)
            copies.compare(copy.target, name, copy.source)
    except (CommandFailed, VerificationFailed, QueryFailed) as error:
        return f"NOT restored by {way}, so do not rely on it: {error.what}"
    return f"restored by {way}"


def _compare_csvs(copy: Copy, found: Found) -> None:
    """Each CSV against the restored table, by the COPY that once wrote it."""
    csvs = copy.source.manifest.csv_files
    if not csvs:
        return
    target = _in_encoding_of(copy.target.database(copy.name), csvs)
    with session(target, purpose="compare") as reader:
        tables = {table.label: table for table in fingerprint.tables(reader)}
        for file in csvs:
            if file.table in tables:
                with found.timed(f"compare {file.name}"), found.blaming(file.name, "cannot be compared: "):
                    _compare_csv(reader, tables[file.table], copy.source.directory / file.name, file, found)


def _in_encoding_of(target: Target, csvs: Sequence[BackupFile]) -> Target:
    """They were all written by sessions of one encoding, which need not be the database's."""
    return replace(target, params={**target.params, "client_encoding": csv_files.encoding_of(csvs[0].load)})


def _compare_csv(reader: Session, table: Table, path: Path, file: BackupFile, found: Found) -> None:
    with files.reporting(f"{path} could not be read", path), path.open("rb") as lines:
        columns = csv_records.columns(lines, codec(reader.encoding))
    if csv_files.load_command(table, columns, file.name, reader.encoding) != file.load:
        found.add(file.name, "has a load command in the manifest that does not load it")
    written = _Digest()
    csv_files.copy(reader, table, columns, written)
    if written.sha256 == file.sha256 or _same_records(reader, table, columns, path):
        return
    found.add(file.name, f"does not hold the rows of the restored table {table.label}")


def _same_records(reader: Session, table: Table, columns: Sequence[str], path: Path) -> bool:
    """Whether they differ in their order alone, as partitions, children and parallel readers may."""
    restored = csv_records.Bag()
    csv_files.copy(reader, table, columns, restored)
    with files.reporting(f"{path} could not be read", path), path.open("rb") as lines:
        return csv_records.bag(lines) == restored


class _Digest:
    """Takes a copy for its SHA-256 alone."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._sha256.update(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()
