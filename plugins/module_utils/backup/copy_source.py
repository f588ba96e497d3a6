# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A proven backup that is copied, from a directory of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import names
from ..backup_set import manifest as manifests
from ..backup_set.manifest import MANIFEST, Manifest
from ..errors import Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..ports import files
from ..retention import stored
from ..verify import origin


@dataclass(frozen=True)
class CopySource:
    """
    :param shown: where it is, for people.
    :param sealed: the SHA-256 of its manifest, which was proven up to the level.
    :param proof: what the journal of its run says of that.
    :param files: the SHA-256 of each file, the manifest last.
    :param chunks: reads a file.
    :param directory: on the target; None in a store, as the journal of its run is.
    :param latest: the link ``latest`` points at it.
    """

    shown: str
    manifest: Manifest
    sealed: str
    level: str
    proof: Mapping[str, Any]
    files: Mapping[str, str]
    chunks: Callable[[str], Iterable[bytes]]
    directory: Path | None
    journal: Journal | None
    latest: bool

    def shown_file(self, name: str) -> str:
        return f"{self.shown}/{name}"

    @property
    def database(self) -> str:
        return self.manifest.identity.name

    @property
    def relative(self) -> Path:
        """The directory of the backup in any place."""
        return Path(names.directory_name(self.database)) / f"migration_{self.manifest.run_id}"


def lock(backup_dir: Path) -> AbstractContextManager[None]:
    """Keep retention and the watchdog of its run from a backup that is copied.

    :raises NotABackup, Refused: as :func:`of_directory`; or, when it is entered, another process works on the run.
    """
    run_journal = of_directory(backup_dir).journal
    return run_journal.held() if run_journal else nullcontext()


def of_directory(backup_dir: Path) -> CopySource:
    """
    :raises NotABackup: it has no usable manifest.
    :raises Refused: it was not verified.
    """
    directory = backup_dir.resolve()
    manifest = manifests.read(directory)
    run_journal = origin.run_of(directory, manifest.run_id)
    level = stored.proven_level(directory, run_journal) if run_journal else ""
    if run_journal is None or not level:
        raise _not_proven(str(directory))
    sealed, proof = manifests.digest_of(directory), run_journal.last(Event.VERIFIED)
    return CopySource(
        shown=str(directory),
        manifest=manifest,
        sealed=sealed,
        level=level,
        proof=proof.facts if proof else {},
        files={**listed(manifest), **_written_later(directory), MANIFEST: sealed},
        chunks=lambda name: files.chunks(directory / name),
        directory=directory,
        journal=run_journal,
        latest=stored.latest_name(directory.parent) == directory.name,
    )


def _not_proven(shown: str) -> Refused:
    return Refused(
        f"{shown} was not verified; only a proven backup is copied.", remedy="Run pgsafe.migration.verify first."
    )


def listed(manifest: Manifest) -> dict[str, str]:
    return {file.name: file.sha256 for file in manifest.files}


def _written_later(directory: Path) -> dict[str, str]:
    present = files.plain_files(directory)
    later = [name for name in manifests.WRITTEN_LATER if name in present and name != MANIFEST]
    return {name: files.sha256_of(directory / name).sha256 for name in later}
