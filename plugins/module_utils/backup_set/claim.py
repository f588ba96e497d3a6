# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that a store has beside the files of a backup, which take the place of a journal there.

No file of a backup has a slash in its name, so none has one of these names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..codec import unique_keys
from ..errors import NotABackup

# Written before all others, and removed after all others.
CLAIM = "control/claim.json"
# Written before anything of a backup is removed.
REMOVING = "control/removing"
# The reason of a pin.
PINNED = "control/pinned"

CONTROL = (CLAIM, REMOVING, PINNED)


@dataclass(frozen=True)
class Claim:
    """Which backup the objects of a directory are of.

    :param manifest_sha256: of its manifest; two backups never have the same.
    :param files: the SHA-256 of each file, the manifest last.
    :param proof: what the journal of its run says of the proof: the level, and by which manifest.
    """

    manifest_sha256: str
    level: str
    files: Mapping[str, str]
    proof: Mapping[str, Any]


def to_json(claim: Claim) -> bytes:
    return (json.dumps(asdict(claim), indent=2, ensure_ascii=False) + "\n").encode()


def from_json(content: bytes, where: str) -> Claim:
    """
    :raises NotABackup: it is something else.
    """
    try:
        data = json.loads(content.decode(), object_pairs_hook=unique_keys)
        files = {str(name): str(sha256) for name, sha256 in data["files"].items()}
        return Claim(str(data["manifest_sha256"]), str(data["level"]), files, dict(data["proof"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotABackup(f"{where} is no claim of a copy: {error!r}.", remedy="Do not trust this backup.") from error
