# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be read of an encrypted copy without a key; like the manifest of another copy, it is written last.

It has no digest of a plain file, by which a guess of its content could be confirmed, but that of the manifest, which
has the times of the backup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..codec import unique_keys
from ..errors import NotABackup
from ..ports.age import SUFFIX
from ..ports.files import Digest, read_text
from .manifest import ENVELOPE

FORMAT_VERSION = "1.0"


@dataclass(frozen=True)
class Envelope:
    """
    :param created: as in the manifest.
    :param manifest_sha256: of the plain manifest.
    :param recipients: the public keys that the files are encrypted for.
    :param files: size and SHA-256 of each encrypted file, by its name.
    """

    run_id: str
    created: str
    database: str
    manifest_sha256: str
    recipients: tuple[str, ...]
    files: Mapping[str, Digest]
    format_version: str = FORMAT_VERSION

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files.values())


def to_json(envelope: Envelope) -> str:
    return json.dumps(asdict(envelope), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read(directory: Path) -> Envelope:
    """
    :raises NotABackup: it is something else.
    :raises FileFailed: it cannot be read.
    """
    return from_json(read_text(directory / ENVELOPE), str(directory / ENVELOPE))


def from_json(text: str, where: str) -> Envelope:
    """
    :raises NotABackup: it is something else.
    """
    try:
        data = json.loads(text, object_pairs_hook=unique_keys)
        files = {_name(name): Digest(int(of["size"]), str(of["sha256"])) for name, of in data["files"].items()}
        found = Envelope(
            run_id=str(data["run_id"]),
            created=str(data["created"]),
            database=str(data["database"]),
            manifest_sha256=str(data["manifest_sha256"]),
            recipients=tuple(str(recipient) for recipient in data["recipients"]),
            files=files,
            format_version=str(data["format_version"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotABackup(
            f"{where} does not describe an encrypted copy: {error!r}.", remedy="Do not trust this backup."
        ) from error
    if found.format_version != FORMAT_VERSION:
        raise NotABackup(
            f"{where} has the format version {found.format_version!r}; this release reads {FORMAT_VERSION}.",
            remedy="Use the release of pgsafe.migration that wrote it, or a later one.",
        )
    return found


def _name(given: Any) -> str:
    """
    :raises ValueError: it is no name of a file in the directory of the copy.
    """
    name = str(given)
    if Path(name).name != name or not name.endswith(SUFFIX):
        raise ValueError(f"{name!r} is no name of an encrypted file")
    return name
