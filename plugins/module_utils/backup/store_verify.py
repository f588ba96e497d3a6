# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Level checksum of a copy in an object store: each object is read where it is, and nothing is written to the target.

The claim has the digests of the files too, so the objects are compared with it where the manifest is damaged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..backup_set import claim as claims
from ..backup_set.claim import CLAIM, CONTROL, Claim
from ..backup_set.envelope import Envelope
from ..backup_set.manifest import CHECKSUMS, ENVELOPE, MANIFEST, SEALS, WRITTEN_LATER, Manifest
from ..errors import FileFailed, NotABackup, Refused
from ..model import StoreAddress
from ..playbooks import command
from ..ports import signals
from ..ports.files import Digest
from ..ports.object_store import ObjectFailed, Store
from ..retention import remote
from ..retention.remote import Objects
from ..verify import encrypted, findings, integrity
from ..verify.findings import BackupProof, Damaged, Found
from ..verify.integrity import StoredFiles

_LEVEL = "checksum"
_Read = TypeVar("_Read", Claim, Manifest, Envelope)


@dataclass(frozen=True)
class StoreVerifyRequest:
    """
    :param url: of the directory of a backup, below that of the store.
    :param fail: whether the task fails when the backup is not proven.
    """

    address: StoreAddress
    url: str
    level: str
    fail: bool


def plan(request: StoreVerifyRequest) -> None:
    """
    :raises NotABackup: there is nothing to verify.
    :raises Refused: another level is asked for.
    :raises FileFailed: the store cannot be used, or not be listed.
    """
    _require_checksum(request)
    store = Store(request.address)
    _require_sealed(request, store.objects(str(remote.directory_of(store, request.url))))


def run(request: StoreVerifyRequest) -> BackupProof:
    """A finding takes the level of its proof from the copy; a second copy to the store gives it back.

    :raises Interrupted: a signal came.
    :raises NotABackup: there is nothing to verify, or it was removed meanwhile.
    :raises Refused: another level is asked for.
    :raises FileFailed: the store cannot be used, or stopped to answer, which says nothing of the copy.
    """
    _require_checksum(request)
    store = Store(request.address)
    directory = remote.directory_of(store, request.url)
    there = store.objects(str(directory))
    _require_sealed(request, there)
    with signals.raised("The verification"):
        found = findings.by_levels({_LEVEL: functools.partial(look, store, directory, there)}, _LEVEL, None)
        return _recorded(request, store, directory, found) if found.findings else found


def _require_checksum(request: StoreVerifyRequest) -> None:
    if request.level != _LEVEL:
        given = {"pg_migrate_store": request.address.url, "pg_migrate_backup_dir": request.url}
        raise Refused(
            f"{request.url} is in an object store: only the level checksum can be verified there.",
            remedy="Set pg_migrate_level=checksum; or fetch it first: "
            f"{command('fetch', **given, pg_migrate_fetch_to='DIRECTORY')}, and verify what was fetched: "
            f"{command('verify', pg_migrate_backup_root='DIRECTORY')}.",
        )


def _require_sealed(request: StoreVerifyRequest, there: Objects) -> None:
    if not there.keys() & set(SEALS):
        raise NotABackup(
            f"{request.url} is no complete backup: it has neither {MANIFEST} nor {ENVELOPE}, which is written last.",
            remedy="Name one of those that pgsafe.migration.list shows.",
        )


def look(store: Store, directory: Path, there: Objects, found: Found) -> None:
    """
    :raises FileFailed: the store stopped to answer, which says nothing of the copy.
    """
    sizes = {name: facts.size for name, facts in there.items() if name not in CONTROL}
    stored = StoredFiles(sizes, lambda name: _digest(store, directory, name))
    try:
        _look(store, directory, there, stored, found)
    except FileFailed as error:
        until_then = "; ".join(finding.as_text() for finding in found.findings) or "nothing"
        error.with_state(f"Not every object was compared. Found until then: {until_then}.")
        raise


def _digest(store: Store, directory: Path, name: str) -> Digest:
    try:
        return Digest(*store.digest_of(f"{directory}/{name}"))
    except ObjectFailed as error:
        raise Damaged(name, error.what) from error


def _look(store: Store, directory: Path, there: Objects, stored: StoredFiles, found: Found) -> None:
    if CLAIM not in there:
        found.add(CLAIM, "is missing")
    claim = _read(lambda: remote.read_claim(store, directory), CLAIM, found) if CLAIM in there else None
    if MANIFEST in there:
        manifest = _read(lambda: remote.read_manifest(store, directory, claim), MANIFEST, found)
        _look_plain(stored, claim, manifest, found)
        return
    envelope = _read(lambda: remote.read_envelope(store, directory, claim), ENVELOPE, found)
    if envelope:
        encrypted.compare(stored, envelope, {ENVELOPE}, found)


def _look_plain(stored: StoredFiles, claim: Claim | None, manifest: Manifest | None, found: Found) -> None:
    claimed = {name: sha256 for name, sha256 in claim.files.items() if name != MANIFEST} if claim else {}
    beside = {MANIFEST, *claimed} if claim else set(WRITTEN_LATER)
    if manifest:
        integrity.compare(stored, manifest, beside, found)
    elif claim:
        integrity.no_others(stored, beside, found)
    compared = {CHECKSUMS, *(file.name for file in manifest.files)} if manifest else set()
    left = {name: sha256 for name, sha256 in claimed.items() if name not in compared}
    integrity.unaltered(stored, integrity.of_any_size(stored, left), found, f"has another SHA-256 than {CLAIM}")


def _read(read: Callable[[], _Read], name: str, found: Found) -> _Read | None:
    """None of an object that is damaged, which is a finding."""
    try:
        return read()
    except (NotABackup, ObjectFailed) as error:
        found.add(name, error.what)
        return None


def _recorded(request: StoreVerifyRequest, store: Store, directory: Path, found: BackupProof) -> BackupProof:
    """The findings; the claim loses the level that retention and a fetch go by.

    :raises NotABackup: the copy was removed meanwhile, and the manifest of it first.
    """
    if not store.objects(str(directory)).keys() & set(SEALS):
        raise NotABackup(f"{request.url} was removed while it was verified.", remedy="Name another backup.")
    try:
        claim = remote.read_claim(store, directory)
        if claim.level:
            store.put(f"{directory}/{CLAIM}", claims.to_json(replace(claim, level="")))
    except (NotABackup, ObjectFailed):
        # A copy without a claim counts as proven nowhere.
        return found
    except FileFailed as error:
        unrecorded = findings.Finding(CLAIM, f"still says that the copy is proven: {error.what}")
        return replace(found, findings=(*found.findings, unrecorded))
    return found
