# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of a backup that is fetched: from another directory of the target, or from a store; decrypted on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..backup_set import envelope as envelopes
from ..backup_set import manifest as manifests
from ..backup_set.envelope import Envelope
from ..backup_set.manifest import MANIFEST
from ..errors import NotABackup, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..ports import files
from ..ports.object_store import Store
from ..retention import remote, stored
from ..retention.stored import Condition, StoredBackup
from . import copy_source
from .copy_source import CopySource
from .encryption import EncryptedCopy


def of_directory(directory: Path, identity: str) -> CopySource:
    """
    :param directory: the lock of whose run the caller holds, unless it only looks.
    :param identity: the text of an identity file of age, for an encrypted copy.
    :raises NotABackup: it is no whole backup.
    :raises Refused: it was not verified.
    :raises FileFailed, BadRequest: it cannot be read, or not be decrypted with the identity.
    """
    found = stored.look(directory, held=True)
    if not found.encrypted:
        return copy_source.of_directory(directory)
    run_journal = stored.run_of(directory)
    _require_complete(found, str(directory))
    if run_journal is None or not found.level:
        raise Refused(f"{directory} was not verified, or its verification has failed.", remedy="Name another backup.")
    proof = run_journal.last(Event.VERIFIED)
    copy = EncryptedCopy(
        str(directory), envelopes.read(directory), lambda name: files.chunks(directory / name), identity
    )
    return _decrypted(copy, found.level, proof.facts if proof else {}, run_journal)


def of_store(store: Store, directory: Path, identity: str) -> CopySource:
    """
    :param directory: relative to the store.
    :param identity: as :func:`of_directory`.
    :raises NotABackup: it is no whole backup there.
    :raises FileFailed, BadRequest: it cannot be read, or not be decrypted with the identity.
    """
    shown = store.address.of(str(directory))
    found = remote.look(store, directory, store.objects(str(directory)))
    _require_complete(found, shown)
    claim = remote.read_claim(store, directory)

    def chunks(name: str) -> Iterable[bytes]:
        return store.chunks(f"{directory}/{name}")

    if found.encrypted:
        envelope: Envelope = remote.read_envelope(store, directory, claim)
        return _decrypted(EncryptedCopy(shown, envelope, chunks, identity), claim.level, claim.proof)
    manifest = remote.read_manifest(store, directory, claim)
    later = {name: sha256 for name, sha256 in claim.files.items() if name in manifests.WRITTEN_LATER}
    later[MANIFEST] = claim.manifest_sha256
    digests = {**copy_source.listed(manifest), **later}
    return _elsewhere(shown, claim.level, claim.proof, manifest, digests, chunks)


def _require_complete(found: StoredBackup, shown: str) -> None:
    if found.condition is not Condition.COMPLETE:
        raise NotABackup(f"{shown} is {found.condition}. {found.problem}".strip(), remedy="Name another backup.")


def _decrypted(
    copy: EncryptedCopy, level: str, proof: Mapping[str, Any], run_journal: Journal | None = None
) -> CopySource:
    manifest = copy.manifest()
    return _elsewhere(copy.shown, level, proof, manifest, copy.files(manifest), copy.chunks, run_journal)


def _elsewhere(
    shown: str,
    level: str,
    proof: Mapping[str, Any],
    manifest: manifests.Manifest,
    digests: Mapping[str, str],
    chunks: Callable[[str], Iterable[bytes]],
    run_journal: Journal | None = None,
) -> CopySource:
    """A backup whose files are read through something else than its directory."""
    return CopySource(
        shown=shown,
        manifest=manifest,
        sealed=digests[MANIFEST],
        level=level,
        proof=proof,
        files=digests,
        chunks=chunks,
        directory=None,
        journal=run_journal,
        latest=False,
    )
