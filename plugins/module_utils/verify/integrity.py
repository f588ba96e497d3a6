# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Level checksum: exactly the files of the manifest, each byte for byte what was written, readable by its owner alone.

SHA256SUMS and manifest.txt say nothing that the manifest does not say: both are rendered from it again and compared.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .. import text as report
from ..backup_set import manifest as manifests
from ..backup_set.manifest import BackupFile, Manifest
from ..errors import FileFailed, NotABackup
from ..journal import log as run_log
from ..ports import files
from ..ports.files import Digest
from .findings import Damaged, Found

# The kinds of which there is one file in every backup.
_ONCE = {
    "dump": manifests.ARCHIVE,
    "sql": manifests.SCRIPT,
    "globals": manifests.GLOBALS,
    "manifest": manifests.MANIFEST_TEXT,
}


@dataclass(frozen=True)
class StoredFiles:
    """The files of a copy, in a directory or an object store.

    :param sizes: of each file, by its name; None of what is not an ordinary file.
    :param digest_of: reads a file; it raises :class:`Damaged` for one that cannot be read.
    """

    sizes: Mapping[str, int | None]
    digest_of: Callable[[str], Digest]


def look(directory: Path, manifest: Manifest, found: Found) -> None:
    """
    :raises FileFailed: the directory itself cannot be read.
    """
    compare(in_directory(directory, found), manifest, _known_beside(manifest), found)


def in_directory(directory: Path, found: Found) -> StoredFiles:
    """The files of a directory. Modes that open them to other users are findings.

    :raises FileFailed: the directory itself cannot be read.
    """
    there = files.plain_files(directory)
    _modes(directory, there, found)
    sizes = {name: facts.st_size if stat.S_ISREG(facts.st_mode) else None for name, facts in there.items()}
    return StoredFiles(sizes, lambda name: _digest(directory / name))


def _digest(path: Path) -> Digest:
    try:
        return files.sha256_of(path)
    except FileFailed as error:
        raise Damaged(path.name, error.what) from error


def compare(stored: StoredFiles, manifest: Manifest, beside: Collection[str], found: Found) -> None:
    """Compare what is stored with a manifest, and the manifest with itself.

    :param beside: names of files that belong there too.
    """
    for what in _contradictions(manifest):
        found.add(manifests.MANIFEST, what)
    listed = {file.name: file for file in manifest.files}
    no_others(stored, {*listed, *beside}, found)
    unaltered(stored, listed, found)
    with found.noting_damage():
        _rendered(stored, manifest, found)


def no_others(stored: StoredFiles, known: Collection[str], found: Found) -> None:
    for name in sorted(set(stored.sizes) - set(known)):
        found.add(name, "does not belong to this backup")


def unaltered(
    stored: StoredFiles,
    expected: Mapping[str, BackupFile | Digest],
    found: Found,
    altered: str = "has another SHA-256 than the manifest",
) -> None:
    """
    :param altered: what is said of a file of the same size and another content.
    """
    for name in sorted(set(expected) - set(stored.sizes)):
        found.add(name, "is missing")
    for name in sorted(set(expected) & set(stored.sizes)):
        with found.timed(name), found.noting_damage():
            _content(stored, name, expected[name], found, altered)


def of_any_size(stored: StoredFiles, digests: Mapping[str, str]) -> dict[str, Digest]:
    """What :func:`unaltered` expects of files of which only the SHA-256 is known."""
    return {name: Digest(stored.sizes.get(name) or 0, sha256) for name, sha256 in digests.items()}


def _content(stored: StoredFiles, name: str, expected: BackupFile | Digest, found: Found, altered: str) -> None:
    size = stored.sizes[name]
    if size is None:
        found.add(name, "is not an ordinary file")
    elif size != expected.size:
        found.add(name, f"has {size:,} bytes instead of {expected.size:,}")
    elif stored.digest_of(name).sha256 != expected.sha256:
        found.add(name, altered)


def _known_beside(manifest: Manifest) -> set[str]:
    """What is written after the manifest and is listed nowhere."""
    return {*manifests.WRITTEN_LATER, run_log.name(manifest.run_id)}


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """What a manifest cannot say of a whole backup: a list of files with one struck out contradicts the rest."""
    for kind, name in _ONCE.items():
        if [file.name for file in manifest.files if file.kind == kind] != [name]:
            yield f"does not list {name} once as its {kind}"
    tables = [file.table for file in manifest.csv_files]
    for label, state in manifest.fingerprint.tables.items():
        if tables.count(label) != (label not in manifest.left_out):
            yield f"lists {tables.count(label)} CSVs of the table {label}"
        for file in manifest.csv_files:
            if file.table == label and file.rows != state.rows:
                yield f"says that {file.name} has {file.rows} records, and {label} {state.rows} rows"
    for label in sorted(set(tables) - set(manifest.fingerprint.tables)):
        yield f"lists a CSV of {label}, but no such table"


def _modes(directory: Path, there: dict[str, os.stat_result], found: Found) -> None:
    if stat.S_IMODE(directory.stat().st_mode) & 0o077:
        found.add("", f"{directory} is open to other users")
    for name, facts in sorted(there.items()):
        mode = stat.S_IMODE(facts.st_mode)
        if stat.S_ISLNK(facts.st_mode):
            continue
        if mode & 0o077:
            found.add(name, f"is open to other users (mode {mode:04o})")
        if not mode & stat.S_IRUSR:
            found.add(name, f"cannot be read by its owner (mode {mode:04o})")


def _rendered(stored: StoredFiles, manifest: Manifest, found: Found) -> None:
    """The two texts that are made of the manifest; a fault that was found already is not reported twice."""
    texts = {manifests.CHECKSUMS: manifests.checksums(manifest, stored.digest_of(manifests.MANIFEST).sha256)}
    if manifests.MANIFEST_TEXT not in {finding.file for finding in found.findings}:
        texts[manifests.MANIFEST_TEXT] = _manifest_text(manifest)
    # A manifest may hold what is no UTF-8, and no file is equal to its rendering.
    digests = {name: hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() for name, text in texts.items()}
    unaltered(stored, of_any_size(stored, digests), found, "does not agree with the manifest")


def _manifest_text(manifest: Manifest) -> str:
    """manifest.txt as it was rendered: before it was itself a file of the backup.

    :raises NotABackup: what the manifest says cannot be rendered.
    """
    others = tuple(file for file in manifest.files if file.kind != "manifest")
    try:
        return report.manifest(replace(manifest, files=others))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotABackup(f"{manifests.MANIFEST} garbles a part of a manifest: {error!r}.") from error
