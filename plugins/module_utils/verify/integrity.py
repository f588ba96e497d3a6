# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Level checksum: exactly the files of the manifest, each byte for byte what was written, readable by its owner alone.

SHA256SUMS and manifest.txt say nothing that the manifest does not say: both are rendered from it again and compared.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .. import text as report
from ..backup_set import manifest as manifests
from ..backup_set.manifest import BackupFile, Manifest
from ..errors import NotABackup
from ..journal import log as run_log
from ..ports import files
from .findings import Found

# The kinds of which there is one file in every backup.
_ONCE = {
    "dump": manifests.ARCHIVE,
    "sql": manifests.SCRIPT,
    "globals": manifests.GLOBALS,
    "manifest": manifests.MANIFEST_TEXT,
}


def look(directory: Path, manifest: Manifest, found: Found) -> None:
    """
    :raises FileFailed: the directory itself cannot be read.
    """
    there = files.plain_files(directory)
    expected = {file.name: file for file in manifest.files}
    for what in _contradictions(manifest):
        found.add(manifests.MANIFEST, what)
    for name in sorted(set(expected) - set(there)):
        found.add(name, "is missing")
    for name in sorted(set(there) - set(expected) - _known_beside(manifest)):
        found.add(name, "does not belong to this backup")
    modes(directory, there, found)
    for name in sorted(set(expected) & set(there)):
        with found.timed(name), found.blaming(name):
            content(directory / name, expected[name], there[name], found)
    _rendered(directory, manifest, there, found)


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


def modes(directory: Path, there: dict[str, os.stat_result], found: Found) -> None:
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


def content(
    path: Path,
    expected: BackupFile | files.Digest,
    facts: os.stat_result,
    found: Found,
    altered: str = "has another SHA-256 than the manifest",
) -> None:
    """:param altered: what is said of a file of the same size and another content."""
    if not stat.S_ISREG(facts.st_mode):
        found.add(path.name, "is not an ordinary file")
    elif facts.st_size != expected.size:
        found.add(path.name, f"has {facts.st_size:,} bytes instead of {expected.size:,}")
    elif files.sha256_of(path).sha256 != expected.sha256:
        found.add(path.name, altered)


def _rendered(directory: Path, manifest: Manifest, there: dict[str, os.stat_result], found: Found) -> None:
    """The two texts that are made of the manifest; a fault that was found already is not told twice."""
    faulty = {finding.file for finding in found.findings}
    if manifests.CHECKSUMS not in there:
        found.add(manifests.CHECKSUMS, "is missing")
    elif not stat.S_ISREG(there[manifests.CHECKSUMS].st_mode):
        found.add(manifests.CHECKSUMS, "is not an ordinary file")
    else:
        sums = manifests.checksums(manifest, manifests.digest_of(directory))
        _same_text(directory / manifests.CHECKSUMS, sums, found)
    if manifests.MANIFEST_TEXT in there and manifests.MANIFEST_TEXT not in faulty:
        _same_text(directory / manifests.MANIFEST_TEXT, _manifest_text(manifest), found)


def _same_text(path: Path, expected: str, found: Found) -> None:
    with found.blaming(path.name):
        if files.read_text(path) != expected:
            found.add(path.name, "does not agree with the manifest")


def _manifest_text(manifest: Manifest) -> str:
    """manifest.txt as it was rendered: before it was itself a file of the backup.

    :raises NotABackup: what the manifest says cannot be rendered.
    """
    others = tuple(file for file in manifest.files if file.kind != "manifest")
    try:
        return report.manifest(replace(manifest, files=others))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotABackup(f"{manifests.MANIFEST} garbles a part of a manifest: {error!r}.") from error
