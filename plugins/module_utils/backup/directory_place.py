# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of a proven backup in a directory, which becomes a backup root like any other.

The directory gets a journal of the run for its copy. The manifest is copied last: an interrupted copy has none, and the
next copy removes the rest of it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..backup_set import envelope as envelopes
from ..backup_set import manifest as manifests
from ..backup_set.manifest import ENVELOPE, MANIFEST
from ..errors import FileFailed
from ..journal.events import Event
from ..journal.journal import RUNS, Journal, root_of
from ..journal.state import BackupStage
from ..ports import files, safe_paths
from ..retention import stored
from ..text import size
from ..verify import encrypted, integrity
from ..verify.findings import Found
from . import encryption, root
from .copy_source import CopySource


def made(place: Path, source: CopySource, recipients: tuple[str, ...] = ()) -> bool:
    """Whether a copy was made; False where the place had a whole one.

    :param recipients: public keys of age that the copy is encrypted for; none for a plain copy.
    :raises FileFailed: it cannot be used, or the copy could not be made.
    :raises Refused: another user could replace what is in it, or another process works there on the run.
    :raises NotABackup: what it has under the name of the backup is none.
    """
    require_usable(place, source)
    directory = place / source.relative
    run_journal = _run_there(place, directory, source.manifest.run_id)
    with run_journal.held():
        found = is_there(place, source)
        if found:
            _require_whole(directory, source, recipients)
        else:
            _remove_rest(directory, run_journal)
            _copy(place, directory, run_journal, source, recipients)
        _record(directory, run_journal, source)
    return not found


def is_there(place: Path, source: CopySource) -> bool:
    return manifests.is_sealed(place / source.relative)


def require_usable(place: Path, source: CopySource) -> None:
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
        same = source.journal is not None and place.samefile(root_of(source.journal))
    if same:
        raise FileFailed("It is the backup root that holds the backup already.", remedy="Name another directory.")
    free = files.free_space(place).bytes
    if free < source.manifest.bytes and not is_there(place, source):
        raise FileFailed(
            f"It has {size(free)} free; the backup has {size(source.manifest.bytes)}.",
            remedy=f"Free space there: df -h {place}",
        )


def _run_there(place: Path, directory: Path, run_id: str) -> Journal:
    """The journal of the run at the place.

    :raises FileFailed: a run of another database or host has its name there, or the run itself has migrated there.
    """
    files.make_directory(place / RUNS)
    files.make_directory(place / RUNS / run_id)
    safe_paths.require(place / RUNS / run_id)
    run_journal = Journal(place / RUNS / run_id)
    if run_journal.backup_dir and Path(run_journal.backup_dir).parts[-2:] != directory.parts[-2:]:
        raise of_another(run_journal.backup_dir)
    if run_journal.state.armed:
        raise FileFailed(
            f"{place} is the backup root of the run itself, whose journal says what became of its database.",
            remedy="Name another directory.",
        )
    return run_journal


def of_another(directory: Path | str) -> FileFailed:
    return FileFailed(
        f"{directory} is of another run that began in the same second.",
        remedy="Give each host and each database a place of its own.",
    )


def _require_whole(directory: Path, source: CopySource, recipients: tuple[str, ...]) -> None:
    """
    :raises FileFailed: the place has another backup of this name, or a damaged copy, or one of the other form.
    """
    there = files.plain_files(directory)
    encryption.require_form(str(directory), there, recipients)
    envelope = envelopes.read(directory) if recipients else None
    if (envelope.manifest_sha256 if envelope else manifests.digest_of(directory)) != source.sealed:
        raise of_another(directory)
    for name in there:
        files.drop_cached(directory / name)
    found = Found()
    if envelope:
        encryption.require_same(str(directory), envelope, recipients)
        encrypted.look(directory, envelope, found)
    else:
        integrity.look(directory, source.manifest, found)
    require_undamaged(str(directory), found)


def require_undamaged(shown: str, found: Found) -> None:
    """
    :param shown: where a copy is that was made before.
    :raises FileFailed: it has findings.
    """
    if found.findings:
        what = "; ".join(finding.as_text() for finding in found.findings)
        raise FileFailed(f"{shown} is damaged: {what}.", remedy="Move it away, and copy again.")


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


def _copy(
    place: Path, directory: Path, run_journal: Journal, source: CopySource, recipients: tuple[str, ...]
) -> None:
    run_journal.append(Event.BACKUP_STARTED, backup_dir=str(directory), database=source.database)
    root.new_directory(place, source.database, source.manifest.run_id)
    with root.removed_on_failure(directory, run_journal):
        run_journal.log_beside(directory)
        if recipients:
            _write_encrypted(directory, source, recipients)
            return
        for name, expected in source.files.items():
            files.copy_checked(source.chunks(name), directory / name, expected, source.shown_file(name))


def _write_encrypted(directory: Path, source: CopySource, recipients: tuple[str, ...]) -> None:
    stored = {}
    for name in source.files:
        chunks, path = encryption.encrypted(source, name, recipients), directory / encryption.stored_name(name)
        stored[path.name] = files.copy_checked(chunks, path, "", source.shown_file(name))
    envelope = envelopes.to_json(encryption.envelope_of(source, recipients, stored))
    files.copy_checked([envelope.encode()], directory / ENVELOPE, "", "what was written")


def _record(directory: Path, run_journal: Journal, source: CopySource) -> None:
    """What the journal does not say of the copy yet; the proof is that of the source, byte for byte."""
    facts = {"backup_dir": str(directory), "manifest_sha256": manifests.seal_digest(directory)}
    proof = source.proof if (directory / MANIFEST).exists() else encryption.readable_proof(source)
    if run_journal.state.backup is not BackupStage.COMPLETE:
        run_journal.append(Event.BACKED_UP, **facts)
    if stored.proven_level(directory, run_journal) != source.level:
        run_journal.append(Event.VERIFIED, **{**proof, **facts, "level": source.level})
    if source.latest:
        # Not every file server has symbolic links; a backup is found without it too.
        with suppress(FileFailed):
            files.replace_link(directory.parent / stored.LATEST, directory.name)
