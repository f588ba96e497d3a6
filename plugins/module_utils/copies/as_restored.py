# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fingerprint of the verified copy, kept in the run's directory beside its journal.

A restore writes some texts of the catalogs anew, and a second one does not change them again. So whatever is restored
from the same backup later is compared with this fingerprint, exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..backup_set import manifest
from ..errors import BadRequest, NotABackup
from ..model import AS_RESTORED, Fingerprint
from ..ports import files

FILE = "as_restored.json"


def write(run_directory: Path, manifest_sha256: str, copy: Fingerprint) -> None:
    """Keep the fingerprint of a copy that was proven equal to this manifest; an earlier one is replaced.

    :raises BadRequest: it was not taken of a copy.
    :raises FileFailed: it cannot be written.
    """
    if copy.generation != AS_RESTORED:
        raise BadRequest(f"A fingerprint of the generation {copy.generation} is none of a restored copy.")
    kept = {"manifest_sha256": manifest_sha256, "fingerprint": asdict(copy)}
    files.replace_text(run_directory / FILE, json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read(run_directory: Path, manifest_sha256: str) -> Fingerprint | None:
    """The fingerprint that was kept, or None if this backup was never proven by a restore.

    :raises NotABackup: it is cut or garbled, or of another manifest.
    :raises FileFailed: it cannot be read.
    """
    path = run_directory / FILE
    if not path.exists():
        return None
    try:
        kept: Mapping[str, Any] = json.loads(files.read_text(path))
        proven, found = kept["manifest_sha256"], manifest.fingerprint_of(kept["fingerprint"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise _unusable(path, f"lacks or garbles a part: {error!r}") from error
    if proven != manifest_sha256 or found.generation != AS_RESTORED:
        raise _unusable(path, "was taken of another backup")
    return found


def _unusable(path: Path, why: str) -> NotABackup:
    return NotABackup(f"{path} {why}.", remedy="Verify the backup again by the level restore, which writes it anew.")
