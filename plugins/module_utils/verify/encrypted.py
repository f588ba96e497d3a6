# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Level checksum of an encrypted copy, without a key: exactly the files that were stored, byte for byte."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..backup_set import manifest as manifests
from ..backup_set.envelope import Envelope
from ..errors import Refused
from ..journal import log as run_log
from . import integrity
from .findings import Found
from .integrity import StoredFiles

_ALTERED = f"has another SHA-256 than {manifests.ENVELOPE}"


def require_checksum(directory: Path, level: str) -> None:
    """
    :raises Refused: a level that needs the plain files.
    """
    if level != "checksum":
        raise Refused(
            f"{directory} is an encrypted copy: without its key, only the level checksum can be verified.",
            remedy="Set pg_migrate_level=checksum; or fetch it with pgsafe.migration.fetch and "
            "pg_migrate_age_identity, and verify what was fetched.",
        )


def look(directory: Path, envelope: Envelope, found: Found) -> None:
    """
    :raises FileFailed: the directory itself cannot be read.
    """
    stored = integrity.in_directory(directory, found)
    compare(stored, envelope, {manifests.ENVELOPE, run_log.name(envelope.run_id)}, found)


def compare(stored: StoredFiles, envelope: Envelope, beside: Collection[str], found: Found) -> None:
    """
    :param beside: names of files that belong there too.
    """
    integrity.no_others(stored, {*envelope.files, *beside}, found)
    integrity.unaltered(stored, envelope.files, found, _ALTERED)
    found.notes.append(
        "The copy is encrypted: its files are those that were stored. What they hold is verified when they are fetched."
    )
