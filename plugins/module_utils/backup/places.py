# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of a proven backup at other places, such as a directory of a file server, each read back there.

A place gets a journal of the run for its copy, and so is a backup root like any other. The manifest is copied last: an
interrupted copy has none, and the next copy removes the rest of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import names
from ..backup_set import manifest as manifests
from ..backup_set.manifest import MANIFEST, Manifest
from ..errors import NOTHING_CHANGED, BadRequest, FileFailed, NotABackup, PgsafeError, Refused
from ..journal.events import Event
from ..journal.journal import RUNS, Journal, root_of
from ..journal.state import BackupStage
from ..ports import files, safe_paths, signals
from ..retention import stored
from ..text import size
from ..verify import integrity, origin
from ..verify.findings import Found
from . import root


@dataclass(frozen=True)
class Place:
    """:param required: whether a copy that fails fails the whole request."""

    path: Path
    required: bool = True


@dataclass(frozen=True)
class CopyRequest:
    """:param backup_dir: the directory of a verified backup, or a link to it."""

    backup_dir: Path
    places: tuple[Place, ...]

    def require_sound(self) -> None:
        """
        :raises BadRequest: a place is relative, or named twice.
        """
        for place in self.places:
            if not place.path.is_absolute():
                raise BadRequest(f"The place {str(place.path)!r} is not an absolute path.", remedy="Check copy_to.")
        if len({place.path for place in self.places}) < len(self.places):
            raise BadRequest("copy_to names a place twice.", remedy="Name each place once.")


@dataclass(frozen=True)
class Copied:
    """
    :param backup_dir: of the copy.
    :param made: False where the place has the backup already, or cannot have it.
    :param problem: why the place has no copy; empty when it has one.
    """

    place: Place
    backup_dir: Path
    bytes: int
    made: bool
    problem: str = ""


@dataclass(frozen=True)
class _Source:
    """The backup that is copied, and the level that its manifest, with this SHA-256, was proven up to.

    :param others: the names of files that were written after the manifest.
    """

    directory: Path
    manifest: Manifest
    journal: Journal
    sealed: str
    level: str
    others: tuple[str, ...]

    @property
    def database(self) -> str:
        return self.manifest.identity.name

    def at(self, place: Path) -> Path:
        return place / names.directory_name(self.database) / self.directory.name


class NotCopied(FileFailed):
    """A place that is required has no copy."""

    def __init__(self, found: Sequence[Copied]) -> None:
        listed = "".join(f"\n  {copied.place.path}: {copied.problem}" for copied in _failed(found))
        super().__init__(
            f"The backup could not be copied to every place:{listed}\n",
            remedy="Fix the cause and run again, or set required: false for a place that may lack the backup.",
        )
        self.found = tuple(found)


def plan(request: CopyRequest) -> tuple[Copied, ...]:
    """What would be copied, by reading alone.

    :raises NotCopied: a required place cannot be used.
    :raises BadRequest: as :meth:`CopyRequest.require_sound`.
    :raises NotABackup, Refused: there is no verified backup to copy.
    """
    request.require_sound()
    source = _source(request.backup_dir)
    return _judged([_tried(place, source, foreseen=True) for place in request.places])


def run(request: CopyRequest) -> tuple[Copied, ...]:
    """Copy to each place; one that fails does not keep the others from their copies.

    :raises NotCopied: a required place has no copy.
    :raises Interrupted: a signal came; the unfinished copy is removed.
    :raises BadRequest: as :meth:`CopyRequest.require_sound`.
    :raises NotABackup, Refused: there is no verified backup to copy, or another process works on its run.
    """
    request.require_sound()
    # Its run's lock keeps retention and the watchdog of the run from it.
    with _source(request.backup_dir).journal.held(), signals.raised("The copy of the backup"):
        source = _source(request.backup_dir)
        return _judged([_tried(place, source, foreseen=False) for place in request.places])


def _judged(found: Sequence[Copied]) -> tuple[Copied, ...]:
    if any(copied.place.required for copied in _failed(found)):
        raise NotCopied(found).with_state(_state(found))
    return tuple(found)


def _failed(found: Sequence[Copied]) -> list[Copied]:
    return [copied for copied in found if copied.problem]


def _state(found: Sequence[Copied]) -> str:
    whole = [str(copied.backup_dir) for copied in found if not copied.problem]
    return f"{NOTHING_CHANGED} Copies: {', '.join(whole) or 'none'}."


def _source(backup_dir: Path) -> _Source:
    """
    :raises NotABackup: it has no usable manifest.
    :raises Refused: it was not verified.
    """
    directory = backup_dir.resolve()
    manifest = manifests.read(directory)
    run_journal = origin.run_of(directory, manifest)
    level = stored.proven_level(directory, run_journal) if run_journal else ""
    if run_journal is None or not level:
        raise Refused(
            f"{directory} was not verified; only a proven backup is copied.",
            remedy="Run pgsafe.migration.verify first.",
        )
    present = files.plain_files(directory)
    others = tuple(name for name in manifests.WRITTEN_LATER if name in present and name != MANIFEST)
    return _Source(directory, manifest, run_journal, manifests.digest_of(directory), level, others)


def _tried(place: Place, source: _Source, foreseen: bool) -> Copied:
    directory = source.at(place.path)
    try:
        _require_usable(place.path, source)
        made = not _there(directory) if foreseen else _copied(place.path, directory, source)
    except (FileFailed, NotABackup, Refused) as error:
        return Copied(place, directory, 0, made=False, problem=_told(error))
    return Copied(place, directory, source.manifest.bytes, made)


def _told(error: PgsafeError) -> str:
    return " ".join(part for part in (error.what, *error.undo_problems, error.remedy) if part)


def _require_usable(place: Path, source: _Source) -> None:
    """
    :raises FileFailed: it is missing, the backup root itself, or lacks room.
    :raises Refused: another user could replace what is in it.
    """
    if not place.is_dir():
        raise FileFailed(
            "The directory does not exist.", remedy=f"Mount it, or create it: install -d -m 0700 {place}"
        )
    safe_paths.require(place)
    with files.reporting("The directory cannot be read", place):
        same = place.samefile(root_of(source.journal))
    if same:
        raise FileFailed("It is the backup root that holds the backup already.", remedy="Name another directory.")
    free = files.free_space(place).bytes
    if free < source.manifest.bytes and not _there(source.at(place)):
        raise FileFailed(
            f"It has {size(free)} free; the backup has {size(source.manifest.bytes)}.",
            remedy=f"Free space there: df -h {place}",
        )


def _there(directory: Path) -> bool:
    return (directory / MANIFEST).is_file()


def _copied(place: Path, directory: Path, source: _Source) -> bool:
    """Whether a copy was made; False where the place had a whole one."""
    run_journal = _run_there(place, directory, source.manifest.run_id)
    with run_journal.held():
        found = _there(directory)
        if found:
            _require_whole(directory, source)
        else:
            _remove_rest(directory, run_journal)
            _copy(place, directory, run_journal, source)
        _record(directory, run_journal, source)
    return not found


def _run_there(place: Path, directory: Path, run_id: str) -> Journal:
    """The journal of the run at the place.

    :raises FileFailed: a run of another database or host has its name there.
    """
    files.make_directory(place / RUNS)
    files.make_directory(place / RUNS / run_id)
    safe_paths.require(place / RUNS / run_id)
    run_journal = Journal(place / RUNS / run_id)
    if run_journal.backup_dir and Path(run_journal.backup_dir).parts[-2:] != directory.parts[-2:]:
        raise _of_another(run_journal.backup_dir)
    return run_journal


def _of_another(directory: Path | str) -> FileFailed:
    return FileFailed(
        f"{directory} is of another run that began in the same second.",
        remedy="Give each host and each database a place of its own.",
    )


def _require_whole(directory: Path, source: _Source) -> None:
    """
    :raises FileFailed: the place has another backup of this name, or a damaged copy.
    """
    if manifests.digest_of(directory) != source.sealed:
        raise _of_another(directory)
    for name in files.plain_files(directory):
        files.drop_cached(directory / name)
    found = Found()
    integrity.look(directory, source.manifest, found)
    if found.findings:
        what = "; ".join(finding.as_text() for finding in found.findings)
        raise FileFailed(f"{directory} is damaged: {what}.", remedy="Move it away, and copy again.")


def _remove_rest(directory: Path, run_journal: Journal) -> None:
    """Remove what an interrupted copy, or an interrupted removal of one, has left.

    :raises FileFailed: no copy made it.
    """
    if not os.path.lexists(directory):
        return
    if directory.is_symlink() or not directory.is_dir() or not run_journal.backup_dir:
        raise FileFailed(f"{directory} exists, and no copy made it.", remedy="Move it away.")
    files.remove_tree(directory)
    run_journal.append(Event.SWEPT, backup_dir=str(directory))


def _copy(place: Path, directory: Path, run_journal: Journal, source: _Source) -> None:
    run_journal.append(Event.BACKUP_STARTED, backup_dir=str(directory), database=source.database)
    root.new_directory(place, source.database, source.manifest.run_id)
    with root.removed_on_failure(directory, run_journal):
        run_journal.log_beside(directory)
        for name, expected in _listed(source):
            files.copy_checked(source.directory / name, directory / name, expected)


def _listed(source: _Source) -> Iterator[tuple[str, str]]:
    """Each file with its SHA-256, the manifest last."""
    yield from ((file.name, file.sha256) for file in source.manifest.files)
    yield from ((name, files.sha256_of(source.directory / name).sha256) for name in source.others)
    yield MANIFEST, source.sealed


def _record(directory: Path, run_journal: Journal, source: _Source) -> None:
    """What the journal does not say of the copy yet; the proof is that of the source, byte for byte."""
    facts = {"backup_dir": str(directory), "manifest_sha256": source.sealed}
    if run_journal.state.backup is not BackupStage.COMPLETE:
        run_journal.append(Event.BACKED_UP, **facts)
    if stored.proven_level(directory, run_journal) != source.level:
        proof = source.journal.last(Event.VERIFIED)
        run_journal.append(Event.VERIFIED, **{**(proof.facts if proof else {}), **facts, "level": source.level})
    if stored.latest_name(source.directory.parent) == source.directory.name:
        # Not every file server has symbolic links; a backup is found without it too.
        with suppress(FileFailed):
            files.replace_link(directory.parent / stored.LATEST, directory.name)
