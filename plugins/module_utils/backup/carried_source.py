# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A proven backup of a target that the controller copies: described there, and read in ranges.

The controller writes by what the target says, so it takes no name from there that could lead out of the place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ..backup_set import manifest as manifests
from ..backup_set.manifest import MANIFEST
from ..codec import unique_keys
from ..errors import BadRequest, FileFailed, NotABackup
from ..ports import files
from ..retention import stored
from . import copy_source
from .copy_source import CopySource

RANGE_BYTES = 16 << 20
_MOST_BYTES = RANGE_BYTES

ReadRange = Callable[[str, int], bytes]


def described(backup_dir: Path) -> str:
    """What :func:`of_description` makes a source of, as JSON.

    :raises NotABackup, Refused: there is no verified backup.
    """
    source = copy_source.of_directory(backup_dir)
    directory = source.directory or backup_dir
    facts = {
        "shown": source.shown,
        "manifest": files.read_text(directory / MANIFEST),
        "level": source.level,
        "proof": dict(source.proof),
        "files": {name: [(directory / name).stat().st_size, sha256] for name, sha256 in source.files.items()},
        "latest": source.latest,
    }
    return json.dumps(facts)


def read(backup_dir: Path, name: str, offset: int, size: int) -> bytes:
    """A range of a file; empty behind its end.

    :raises BadRequest: it is no name of a file of the directory, or no range.
    :raises FileFailed: it cannot be read.
    """
    if not _is_name(name) or offset < 0 or not 0 < size <= _MOST_BYTES:
        raise BadRequest(f"{offset} to {offset + size} of {name!r} is no range of a file of a backup.")
    return files.read_range(backup_dir.resolve() / name, offset, size)


def of_description(text: str, read_range: ReadRange) -> CopySource:
    """
    :param text: what :func:`described` has returned on the target.
    :param read_range: reads a file there from an offset on.
    :raises NotABackup: it describes none.
    """
    try:
        data = json.loads(text, object_pairs_hook=unique_keys)
        sizes = {str(name): int(size) for name, (size, _sha256) in data["files"].items()}
        digests = {str(name): str(sha256) for name, (_size, sha256) in data["files"].items()}
        shown, level, proof = str(data["shown"]), str(data["level"]), dict(data["proof"])
        manifest, sealed = manifests.from_json(str(data["manifest"]), f"{shown}/{MANIFEST}"), digests[MANIFEST]
        latest = bool(data["latest"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotABackup(f"What the target has described is no backup: {error!r}.") from error
    _require_names(manifest.run_id, sizes)
    _require_listed(manifest, sizes, digests)
    return CopySource(
        shown=shown,
        manifest=manifest,
        sealed=sealed,
        level=level,
        proof=proof,
        files=digests,
        chunks=lambda name: _chunks(name, sizes[name], read_range),
        directory=None,
        journal=None,
        latest=latest,
    )


def _require_names(run_id: str, names: Iterable[str]) -> None:
    """
    :raises NotABackup: a name would lead out of the directory of the backup.
    """
    wrong = [name for name in names if not _is_name(name)]
    if wrong or not stored.is_name(f"migration_{run_id}"):
        raise NotABackup(f"The target names {(wrong or [run_id])[0]!r}, which is no name of a backup or a file of one.")


def _require_listed(manifest: manifests.Manifest, sizes: Mapping[str, int], digests: Mapping[str, str]) -> None:
    """
    :raises NotABackup: the files are not those of the manifest.
    """
    known = {file.name: (file.size, file.sha256) for file in manifest.files}
    given = {name: (sizes[name], digests[name]) for name in sizes if name not in manifests.WRITTEN_LATER}
    if known != given:
        raise NotABackup("The files that the target has described are not those of their manifest.")


def _is_name(name: str) -> bool:
    return Path(name).name == name and name not in ("", ".", "..") and not name.startswith(".")


def _chunks(name: str, size: int, read_range: ReadRange) -> Iterator[bytes]:
    offset = 0
    while offset < size:
        chunk = read_range(name, offset)
        if not chunk or len(chunk) > RANGE_BYTES:
            raise FileFailed(f"{name} has other bytes on the target than it had when the copy began.")
        offset += len(chunk)
        yield chunk
