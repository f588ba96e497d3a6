# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables of which backup, from which of its files: what a person asks for, checked by reading alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from .. import names
from ..backup_set import manifest as manifests
from ..backup_set.manifest import BackupFile, Manifest
from ..errors import BadRequest, FileFailed, Refused, VerificationFailed
from ..journal import journal
from ..model import Target
from ..ports import files
from ..preflight.restore_checks import run as restore_checks
from ..preflight.restore_checks.check import Intent

SOURCES = ("archive", "script", "csv")
_KINDS = {"archive": "dump", "script": "sql"}


@dataclass(frozen=True)
class Chosen:
    """:param labels: of tables of the manifest.
    :param source: one of :data:`SOURCES`.
    """

    directory: Path
    manifest: Manifest
    labels: tuple[str, ...]
    source: str

    @property
    def scratch_name(self) -> str:
        return names.beside(self.manifest.identity.name, "table", self.manifest.run_id)

    @property
    def structure(self) -> str:
        """Where the objects are taken from: a CSV has none."""
        return "script" if self.source == "script" or self.manifest.file("dump") is None else "archive"

    def csv(self, label: str) -> BackupFile:
        """
        :raises FileFailed: the backup has none of this table.
        """
        found = next((file for file in self.manifest.csv_files if file.table == label), None)
        if found is None:
            raise FileFailed(
                f"The backup {self.directory} has no CSV of {label}.",
                remedy="Take the archive or the script as its source.",
            )
        return found

    def files(self) -> tuple[BackupFile, ...]:
        """
        :raises FileFailed: the backup lacks one.
        """
        found = self.manifest.file(_KINDS[self.structure])
        if found is None:
            raise FileFailed(f"The backup {self.directory} holds no {self.structure}.")
        csvs = [self.csv(label) for label in self.labels] if self.source == "csv" else []
        return (found, *csvs)


def choose(target: Target, directory: Path, tables: Sequence[str], source: str) -> Chosen:
    """
    :param tables: labels such as ``public.members``; one without a schema is in ``public``.
    :raises PgsafeError: it is no backup of the database, or lacks a table or a file.
    """
    manifest = manifests.read(directory)
    name = manifest.identity.name
    if target.dbname != name:
        raise BadRequest(
            f"The backup {directory} is of the database {name}, not of {target.dbname}.",
            remedy="Name a backup of this very database.",
        )
    chosen = Chosen(directory, manifest, _labels(manifest, tables), source)
    chosen.files()
    return chosen


def _labels(manifest: Manifest, tables: Sequence[str]) -> tuple[str, ...]:
    there = manifest.fingerprint.tables
    labels = [table if table in there else f"public.{table}" for table in tables]
    missing = [table for table, label in zip(tables, labels) if label not in there]
    if not tables or missing:
        raise BadRequest(
            f"The backup holds no table {', '.join(missing)}." if missing else "No table is named.",
            remedy="Name tables as schema.table, a partitioned one by its parent; the manifest lists them.",
        )
    return tuple(dict.fromkeys(labels))


def read_lock(chosen: Chosen) -> AbstractContextManager[None]:
    """Keep retention from the backup.

    :raises Refused: it is being removed.
    """
    return journal.reading(chosen.directory, chosen.manifest.run_id)


def require_intact(chosen: Chosen) -> None:
    """
    :raises VerificationFailed: a file is not the one that the manifest describes.
    """
    for file in chosen.files():
        if files.sha256_of(chosen.directory / file.name).sha256 != file.sha256:
            raise VerificationFailed(f"{file.name} is not the file that was written: its SHA-256 differs.")


def intent(chosen: Chosen, free_bytes: int | None, waived: Mapping[str, str]) -> Intent:
    """For the checks before a restore; of the size of the tables, where CSVs tell it."""
    manifest = replace(chosen.manifest, database_bytes=_bytes(chosen))
    globals_file = str(chosen.directory / manifests.GLOBALS)
    return Intent(manifest, None, (chosen.scratch_name,), globals_file, free_bytes, waived)


# What a table and its indexes take for each byte of its CSV, generously.
_GROWTH = 4


def _bytes(chosen: Chosen) -> int:
    csvs = {file.table: file.size for file in chosen.manifest.csv_files}
    if not set(chosen.labels) <= set(csvs):
        return chosen.manifest.database_bytes
    return min(chosen.manifest.database_bytes, _GROWTH * sum(csvs[label] for label in chosen.labels))


def require_possible(target: Target, wanted: Intent) -> None:
    """
    :raises Refused: a check found an error; nothing was changed.
    """
    restore_checks.require_none(restore_checks.problems(restore_checks.look(target, wanted)))


def require_distinct(tables: Iterable[tuple[str, str]], schema: str) -> None:
    """
    :param tables: schema and name of each.
    :raises Refused: two have one name, and would be one table in a side schema.
    """
    seen: dict[str, str] = {}
    for home, name in tables:
        if name in seen:
            raise Refused(
                f"{seen[name]}.{name} and {home}.{name} cannot both be in the schema {schema}.",
                remedy="Recover them one after another, each into a schema of its own.",
            )
        seen[name] = home
