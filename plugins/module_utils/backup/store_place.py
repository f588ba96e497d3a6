# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of a proven backup in an object store.

The claim comes first: it says which backup the objects are of, for two hosts may share the store. The manifest comes
last: an interrupted copy has none, and the next copy of that backup, or retention, removes the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..backup_set import claim as claims
from ..backup_set.claim import CLAIM, CONTROL, REMOVING, Claim
from ..backup_set.manifest import MANIFEST
from ..errors import FileFailed, PgsafeError
from ..ports import files, signals
from ..ports.object_store import Store
from ..retention import remote
from . import directory_place
from .copy_source import CopySource


def is_there(store: Store, source: CopySource) -> bool:
    """
    :raises FileFailed: the store cannot be listed.
    """
    return MANIFEST in store.objects(str(source.relative))


def made(store: Store, source: CopySource) -> bool:
    """Whether a copy was made; False where the store had a whole one.

    :raises FileFailed: the store refused, or holds another backup of that name, or a damaged copy.
    :raises NotABackup: what has the name of its claim is none.
    """
    there = store.objects(str(source.relative))
    if MANIFEST in there:
        _require_whole(store, source, set(there))
        return False
    if there and CLAIM not in there:
        raise FileFailed(f"{_url(store, source)} has objects, and no copy made them.", remedy="Move them away.")
    _claim(store, source)
    with _removed_on_failure(store, source):
        _clear(store, source, set(there) - {CLAIM})
        for name, expected in source.files.items():
            _send(store, source, name, expected)
        _require_all_there(store, source)
    return True


def _url(store: Store, source: CopySource) -> str:
    return store.address.of(str(source.relative))


def _object(source: CopySource, name: str) -> str:
    return f"{source.relative}/{name}"


def _claim(store: Store, source: CopySource) -> None:
    """
    :raises FileFailed: another backup has the name.
    """
    wanted = Claim(source.sealed, source.level, source.files, source.proof)
    store.put_new(_object(source, CLAIM), claims.to_json(wanted))
    _require_own(store, source)


def _require_own(store: Store, source: CopySource) -> Claim:
    found = remote.read_claim(store, source.relative)
    if found.manifest_sha256 != source.sealed:
        raise directory_place.of_another(_url(store, source))
    return found


def _require_whole(store: Store, source: CopySource, there: set[str]) -> None:
    """Read every file back.

    :raises FileFailed: the store has another backup of this name, or a damaged copy.
    """
    if CLAIM not in there:
        raise FileFailed(f"{_url(store, source)} has a manifest, and no copy made it.", remedy="Move it away.")
    found = _require_own(store, source)
    missing = [name for name in found.files if name not in there]
    damaged = missing or [
        name for name, expected in found.files.items() if store.sha256_of(_object(source, name)) != expected
    ]
    if damaged:
        how = "is missing" if missing else "has another SHA-256"
        raise FileFailed(
            f"{_url(store, source)} is damaged: {damaged[0]} {how}.",
            remedy="Move it away, and copy again.",
        )
    if found.level != source.level:
        proven = Claim(found.manifest_sha256, source.level, found.files, source.proof)
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


def _require_all_there(store: Store, source: CopySource) -> None:
    """No lock keeps others from the store: a removal of the same backup may have begun since the claim.

    :raises FileFailed: an object is gone, or is about to be.
    """
    there = store.objects(str(source.relative))
    if REMOVING in there or not {CLAIM, *source.files} <= set(there):
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
    first, last = there & {MANIFEST}, there & set(CONTROL)
    for name in (*first, *sorted(there - first - last), *sorted(last)):
        store.delete(_object(source, name))
    store.abort_uploads(str(source.relative))
