# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of a proven backup in an object store.

The claim comes first: it says which backup the objects are of, for two hosts may share the store. The manifest comes
last: an interrupted copy has none, and the next copy of that backup, or retention, removes the rest of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..backup_set import claim as claims
from ..backup_set import envelope as envelopes
from ..backup_set.claim import CLAIM, CONTROL, REMOVING, Claim
from ..backup_set.manifest import ENVELOPE, SEALS
from ..errors import FileFailed, PgsafeError
from ..ports import age, files, signals
from ..ports.files import Digest
from ..ports.object_store import Store
from ..retention import remote
from ..retention.remote import Objects
from ..verify.findings import Found
from . import directory_place, encryption, store_verify
from .copy_source import CopySource


def is_there(store: Store, source: CopySource) -> bool:
    """
    :raises FileFailed: the store cannot be listed.
    """
    return bool(store.objects(str(source.relative)).keys() & set(SEALS))


def made(store: Store, source: CopySource, recipients: tuple[str, ...] = ()) -> bool:
    """Whether a copy was made; False where the store had a whole one.

    :param recipients: public keys of age that the copy is encrypted for; none for a plain copy.
    :raises FileFailed: the store refused, or holds another backup of that name, or a damaged copy.
    :raises NotABackup: what has the name of its claim is none.
    """
    there = store.objects(str(source.relative))
    if there.keys() & set(SEALS):
        encryption.require_form(_url(store, source), there, recipients)
        _require_whole(store, source, there, recipients)
        return False
    if there and CLAIM not in there:
        raise FileFailed(f"{_url(store, source)} has objects, and no copy made them.", remedy="Move them away.")
    _claim(store, source, recipients)
    with _removed_on_failure(store, source):
        _clear(store, source, set(there) - {CLAIM})
        sent = _send_encrypted(store, source, recipients) if recipients else _send_plain(store, source)
        _require_all_there(store, source, sent)
    return True


def _send_plain(store: Store, source: CopySource) -> set[str]:
    for name, expected in source.files.items():
        _send(store, source, name, expected)
    return set(source.files)


def _send_encrypted(store: Store, source: CopySource, recipients: tuple[str, ...]) -> set[str]:
    sizes, stored = {file.name: file.size for file in source.manifest.files}, {}
    for name in source.files:
        stored_as, most = encryption.stored_name(name), age.most_bytes(sizes.get(name, 0), len(recipients))
        chunks = encryption.encrypted(source, name, recipients)
        stored[stored_as] = Digest(*store.send(chunks, _object(source, stored_as), most))
        _require_read_back(store, source, stored_as, stored[stored_as])
    envelope = envelopes.to_json(encryption.envelope_of(source, recipients, stored)).encode()
    store.put(_object(source, ENVELOPE), envelope)
    _require_read_back(store, source, ENVELOPE, Digest(len(envelope), hashlib.sha256(envelope).hexdigest()))
    return {*stored, ENVELOPE}


def _require_read_back(store: Store, source: CopySource, name: str, sent: Digest) -> None:
    if Digest(*store.digest_of(_object(source, name))) != sent:
        raise FileFailed(f"{_url(store, source)}/{name} differs from what was sent when it is read back.")


def _url(store: Store, source: CopySource) -> str:
    return store.address.of(str(source.relative))


def _object(source: CopySource, name: str) -> str:
    return f"{source.relative}/{name}"


def _claim(store: Store, source: CopySource, recipients: tuple[str, ...]) -> None:
    """
    :raises FileFailed: another backup has the name.
    """
    # The digests of plain files are not for those who have no key.
    plain = Claim(source.sealed, source.level, source.files, source.proof)
    wanted = replace(plain, files={}, proof=encryption.readable_proof(source)) if recipients else plain
    store.put_new(_object(source, CLAIM), claims.to_json(wanted))
    _require_own(store, source)


def _require_own(store: Store, source: CopySource) -> Claim:
    found = remote.read_claim(store, source.relative)
    if found.manifest_sha256 != source.sealed:
        raise directory_place.of_another(_url(store, source))
    return found


def _require_whole(store: Store, source: CopySource, there: Objects, recipients: tuple[str, ...]) -> None:
    """Read every file back.

    :raises FileFailed: the store has another backup of this name, or a damaged copy.
    """
    if CLAIM not in there:
        raise FileFailed(f"{_url(store, source)} has a manifest, and no copy made it.", remedy="Move it away.")
    claim = _require_own(store, source)
    if recipients:
        envelope = remote.read_envelope(store, source.relative, claim)
        encryption.require_same(_url(store, source), envelope, recipients)
    found = Found()
    store_verify.look(store, source.relative, there, found)
    directory_place.require_undamaged(_url(store, source), found)
    if claim.level != source.level:
        proof = encryption.readable_proof(source) if recipients else source.proof
        proven = replace(claim, level=source.level, proof=proof)
        store.put(_object(source, CLAIM), claims.to_json(proven))


def _send(store: Store, source: CopySource, name: str, expected: str) -> None:
    """
    :raises FileFailed: the store refused, or what is read back differs.
    """
    if source.directory is None:
        raise AssertionError("a store is copied to a directory alone")
    path = source.directory / name
    store.send_file(path, _object(source, name))
    if store.sha256_of(_object(source, name)) == expected:
        return
    if files.sha256_of(path).sha256 != expected:
        raise FileFailed(f"{path} has another SHA-256 than its backup was proven with.")
    raise FileFailed(f"{_url(store, source)}/{name} differs from {path} when it is read back.")


def _require_all_there(store: Store, source: CopySource, sent: set[str]) -> None:
    """No lock keeps others from the store: a removal of the same backup may have begun since the claim.

    :raises FileFailed: an object is gone, or is about to be.
    """
    there = store.objects(str(source.relative))
    if REMOVING in there or not {CLAIM, *sent} <= set(there):
        raise FileFailed(f"{_url(store, source)} was removed while it was copied.", remedy="Copy again.")


@contextmanager
def _removed_on_failure(store: Store, source: CopySource) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        with signals.passed_over():
            _undo(store, source, error)
        raise


def _undo(store: Store, source: CopySource, error: BaseException) -> None:
    left = "The objects of the incomplete copy were removed; the database was not changed."
    try:
        there = set(store.objects(str(source.relative)))
        _clear(store, source, there - {CLAIM})
        store.delete(_object(source, CLAIM))
    except FileFailed as undo:
        left = f"An incomplete copy is left: {_url(store, source)}."
        if isinstance(error, PgsafeError):
            error.joined(f"{left} {undo.what}")
    if isinstance(error, PgsafeError):
        error.with_state(left)


def _clear(store: Store, source: CopySource, there: set[str]) -> None:
    """Remove what an interrupted copy or removal has left, the manifest first and the mark of a removal last."""
    first, last = there & set(SEALS), there & set(CONTROL)
    for name in (*first, *sorted(there - first - last), *sorted(last)):
        store.delete(_object(source, name))
    store.abort_uploads(str(source.relative))
