# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup will be, in bytes and seconds: by the last one of the same database, or by a sample of its data.

A backup that was taken tells best, as long as the database still has about the size that it had and the same is asked
for. docs/preflight.md says what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import names
from ..backup_set import csv_files, manifest
from ..backup_set.manifest import Manifest
from ..errors import FileFailed, NotABackup
from ..journal import journal
from ..journal.events import Event
from ..model import Identity
from .checks.check import BackupSize
from .sampling import Part, Sample

# As long as a database has between these parts of the size that it had, the last backup tells.
_LEAST, _MOST = 0.8, 1.25

# The archive's compressors against zlib's fastest level; a higher level gives less. The script is always gzip.
_METHODS = {"gzip": 1.0, "zstd": 1.0, "lz4": 1.6}

# Large objects are binary in the archive and hexadecimal, compressed, in the script.
_LARGE_OBJECTS_SCRIPT = 1.25

# Every file ends in the middle of a block of its filesystem.
_BLOCK = 4096
# The schema is in archive, script and manifest: bytes by table, and of an empty database.
_BY_TABLE = 4 << 10
_ALWAYS = 96 << 10
_FILES_ALWAYS = 12

# How often a run reads and compresses what a sample reads once: archive, script, CSV, fingerprint; the proof restores,
# and reads the copy.
_TIMES_READ = 5.0
# On an idle and fast host; what a busy one takes longer is in the upper end of the prediction.
_ALWAYS_SECONDS = 3.0


@dataclass(frozen=True)
class Asked:
    """What kind of backup it will be."""

    csv: Sequence[str]
    compress_method: str
    jobs: int


@dataclass(frozen=True)
class Last:
    """The newest backup of the same database.

    :param seconds: from its fence to its proof; None when it was never proven.
    """

    manifest: Manifest
    seconds: float | None


@dataclass(frozen=True)
class Forecast:
    """:param seconds: without writes, until the backup is proven; None when nothing was measured.
    :param unread: tables whose text could not be measured.
    """

    size: BackupSize
    seconds: float | None
    unread: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What the seconds rest on."""
        return "the last backup" if self.size.basis == "last_backup" else "a sample of the data"


def last(backup_root: Path, of: Identity) -> Last | None:
    """The newest complete backup of this very database below the root."""
    with suppress(OSError):
        for directory in sorted((backup_root / names.directory_name(of.name)).glob("migration_*"), reverse=True):
            with suppress(NotABackup, FileFailed):
                found = manifest.read(directory)
                if (found.identity.system_identifier, found.identity.oid) == (of.system_identifier, of.oid):
                    return Last(found, _seconds(backup_root, found.run_id))
    return None


def _seconds(backup_root: Path, run_id: str) -> float | None:
    run = journal.of_run(backup_root, run_id)
    begun = run.last(Event.FENCING) or run.last(Event.BACKUP_STARTED) if run else None
    proven = run.last(Event.VERIFIED) if run else None
    return (proven.moment - begun.moment).total_seconds() if begun and proven else None


def by_last(before: Last, database_bytes: int, labels: Sequence[str], asked: Asked) -> Forecast | None:
    """None when the last backup does not tell: the database is another size, or another kind of backup is asked for."""
    was = before.manifest
    growth = database_bytes / max(1, was.database_bytes)
    chosen = {label for label in labels if csv_files.chosen(label, asked.csv)}
    same = {file.table for file in was.csv_files} == chosen and was.compression["method"] == asked.compress_method
    if not same or not _LEAST <= growth <= _MOST:
        return None
    grown = {kind: int(sum(file.size for file in was.files if file.kind == kind) * growth) for kind in manifest.KINDS}
    files = len(was.files) + _FILES_ALWAYS
    size = BackupSize(
        basis="last_backup",
        archive_bytes=grown["dump"],
        script_bytes=grown["sql"],
        csv_bytes=grown["csv"],
        other_bytes=_other(len(was.fingerprint.tables), files),
        files=files,
    )
    return Forecast(size, None if before.seconds is None else before.seconds * growth)


def by_sample(sample: Sample, large_objects: int, asked: Asked) -> Forecast:
    """
    :param large_objects: bytes of all of them.
    """
    text = sum(table.text for table in sample.tables.values())
    zipped = sum(table.zipped for table in sample.tables.values())
    chosen = [table.text for label, table in sample.tables.items() if csv_files.chosen(label, asked.csv)]
    files = len(chosen) + _FILES_ALWAYS
    size = BackupSize(
        basis="sample" if sample.text_per_second or not sample.unread else "table_sizes",
        archive_bytes=_archive(text, zipped, asked.compress_method) + large_objects,
        script_bytes=zipped + int(large_objects * _LARGE_OBJECTS_SCRIPT),
        csv_bytes=sum(chosen),
        other_bytes=_other(len(sample.tables), files),
        files=files,
    )
    return Forecast(size, _seconds_of(text, sample, asked.jobs), sample.unread)


def _archive(text: int, zipped: int, method: str) -> int:
    return text if method == "none" else int(zipped * _METHODS[method])


def _seconds_of(text: int, sample: Sample, jobs: int) -> float | None:
    if not sample.text_per_second:
        return None
    return _ALWAYS_SECONDS + text * _TIMES_READ / sample.text_per_second / max(1, min(jobs, 2))


def _other(tables: int, files: int) -> int:
    return _ALWAYS + _BY_TABLE * tables + _BLOCK * files


def largest(among: Sequence[Part], most: int = 20) -> Mapping[str, int]:
    """Bytes of the largest tables by label, the largest first."""
    sizes: dict[str, int] = {}
    for part in among:
        sizes[part.label] = sizes.get(part.label, 0) + part.bytes
    return dict(sorted(sizes.items(), key=lambda item: -item[1])[:most])
