# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory tree that backups live in: a directory a database, a directory a backup, and what dead runs left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import names
from ..backup_set import manifest as manifests
from ..errors import FileFailed, PgsafeError, Refused
from ..journal.events import Event
from ..journal.journal import Journal, all_runs
from ..journal.state import BackupStage
from ..ports import files, safe_paths


def new_directory(backup_root: Path, database: str, run_id: str) -> Path:
    """The directory of a new backup, 0700.

    :raises FileFailed: it cannot be made, or is there already.
    :raises Refused: another user could replace it.
    """
    parent = backup_root / names.directory_name(database)
    if parent.is_symlink():
        raise FileFailed(f"{parent} is a symbolic link.", remedy="Name the directory it points at as backup_root.")
    files.make_directory(parent)
    safe_paths.require(parent)
    directory = parent / f"migration_{run_id}"
    if not files.make_directory(directory):
        raise FileFailed(f"The backup directory {directory} exists already.", remedy="Move it away.")
    return directory


@contextmanager
def removed_on_failure(directory: Path, journal: Journal) -> Iterator[None]:
    """Leave no half backup behind: the room it took may be the very thing that was missing."""
    try:
        yield
    except BaseException as error:
        left = "The incomplete backup directory was removed; the database was not changed."
        try:
            files.remove_tree(directory)
        except PgsafeError as undo:
            left = f"An incomplete backup directory without a manifest is left: {directory} ({undo.what})"
        if isinstance(error, PgsafeError):
            error.with_state(left)
        # On a full disk the journal cannot say it either; what counts is that there is no manifest.
        with suppress(FileFailed):
            journal.append(Event.BACKUP_FAILED, error=str(error))
        raise


def sweep(backup_root: Path) -> list[str]:
    """Remove what dead runs have left unfinished; never a live one's, which holds its lock, and never a backup.

    Returns the directories that were removed.
    """
    if not backup_root.is_dir():
        return []
    return [swept for journal in all_runs(backup_root) if (swept := _swept(backup_root, journal))]


def _swept(backup_root: Path, journal: Journal) -> str:
    if _incomplete(backup_root, journal) is None:
        return ""
    try:
        with journal.held():
            # Its run may have completed the backup, and let the lock go, since the first look.
            directory = _incomplete(backup_root, journal)
            if directory is None:
                return ""
            if directory.is_dir() and not directory.is_symlink():
                files.remove_tree(directory)
            journal.append(Event.SWEPT, backup_dir=str(directory))
    except Refused:
        return ""
    return str(directory)


def _incomplete(backup_root: Path, journal: Journal) -> Path | None:
    """The directory of a backup that the run has begun and not completed."""
    if journal.state.backup is not BackupStage.BEGUN:
        return None
    directory = Path(journal.backup_dir)
    ours = directory.parent.parent == backup_root and directory.name == f"migration_{journal.run_id}"
    return directory if ours and not manifests.is_sealed(directory) else None
