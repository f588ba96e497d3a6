# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backups of a store: what the objects below each name of a backup say."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from .. import names
from ..backup_set import claim as claims
from ..backup_set import envelope as envelopes
from ..backup_set import manifest as manifests
from ..backup_set.claim import CLAIM, CONTROL, PINNED, REMOVING, Claim
from ..backup_set.envelope import Envelope
from ..backup_set.manifest import ENVELOPE, MANIFEST, SEALS, Manifest
from ..errors import NotABackup, PgsafeError
from ..model import StoreAddress
from ..ports.object_store import Store, StoredObject
from . import stored
from .stored import Condition, StoredBackup

Objects = Mapping[str, StoredObject]


def at(address: StoreAddress, database: str = "") -> tuple[StoredBackup, ...]:
    """As :func:`all_of`.

    :raises FileFailed: the store cannot be used, or not be listed.
    """
    return all_of(Store(address), database)


def all_of(store: Store, database: str = "") -> tuple[StoredBackup, ...]:
    """Every backup, by database and the newest last, each with a directory that is relative to the store.

    :param database: the name of one database; every one when it is empty.
    :raises FileFailed: the store cannot be listed.
    """
    return below(store, names.directory_name(database) if database else "")


def below(store: Store, under: str) -> tuple[StoredBackup, ...]:
    """As :func:`all_of`, of one directory of a database, or of all where it is empty."""
    found = [look(store, directory, there) for directory, there in _directories(store, under).items()]
    return tuple(sorted(found, key=lambda of: (of.database, of.created, of.run_id)))


def _directories(store: Store, under: str) -> Mapping[Path, Objects]:
    """The objects of each backup, by the name of its directory."""
    found: dict[Path, dict[str, StoredObject]] = defaultdict(dict)
    for name, facts in store.objects(under).items():
        parent, _slash, rest = (f"{under}/{name}" if under else name).partition("/")
        directory, _slash, file = rest.partition("/")
        if file and stored.is_name(directory) and not parent.startswith("."):
            found[Path(parent) / directory][file] = facts
    return found


def look(store: Store, directory: Path, there: Objects) -> StoredBackup:
    """What cannot be read is said of the backup, and stops nothing."""
    size = sum(facts.size for name, facts in there.items() if name not in CONTROL)
    condition = _incomplete(there)
    begun = stored.named(directory, condition or Condition.UNREADABLE, "")
    begun = replace(begun, bytes=size, encrypted=ENVELOPE in there)
    try:
        begun = replace(begun, pinned=_pinned(store, directory) if PINNED in there else "")
        return begun if condition else _complete(store, begun, there)
    except (PgsafeError, ValueError) as error:
        what = error.what if isinstance(error, PgsafeError) else f"its manifest is invalid: {error}"
        return replace(begun, condition=Condition.UNREADABLE, problem=what)


def _incomplete(there: Objects) -> Condition | None:
    """What it is, where it is no whole copy."""
    if CLAIM not in there:
        return Condition.FOREIGN
    if there.keys() & set(SEALS):
        return None
    return Condition.PARTLY_REMOVED if REMOVING in there else Condition.UNFINISHED


def _pinned(store: Store, directory: Path) -> str:
    return store.read(f"{directory}/{PINNED}").decode(errors="replace")


def _complete(store: Store, begun: StoredBackup, there: Objects) -> StoredBackup:
    claim = read_claim(store, begun.directory)
    read = read_manifest if MANIFEST in there else read_envelope
    sealed = stored.contents(read(store, begun.directory, claim))
    problem = stored.contradiction(begun.directory, sealed, {name: facts.size for name, facts in there.items()})
    if problem:
        raise NotABackup(problem)
    created, database = sealed.began, sealed.database
    return replace(begun, condition=Condition.COMPLETE, created=created, database=database, level=claim.level)


def read_claim(store: Store, directory: Path) -> Claim:
    """
    :raises NotABackup, FileFailed: it is none, or cannot be read.
    """
    name = f"{directory}/{CLAIM}"
    return claims.from_json(store.read(name), store.address.of(name))


def read_manifest(store: Store, directory: Path, claim: Claim | None) -> Manifest:
    """
    :param claim: None where it cannot be read.
    :raises NotABackup, FileFailed: it is not the one that the claim names, or cannot be read.
    """
    name = f"{directory}/{MANIFEST}"
    content, where = store.read(name), store.address.of(name)
    if claim and hashlib.sha256(content).hexdigest() != claim.manifest_sha256:
        raise NotABackup(f"{where} is not the manifest that was copied.", remedy="Do not trust this backup.")
    return manifests.from_json(_text(content, where), where)


def read_envelope(store: Store, directory: Path, claim: Claim | None) -> Envelope:
    """
    :param claim: None where it cannot be read.
    :raises NotABackup, FileFailed: it is not of the backup that the claim names, or cannot be read.
    """
    name = f"{directory}/{ENVELOPE}"
    content, where = store.read(name), store.address.of(name)
    found = envelopes.from_json(_text(content, where), where)
    if claim and found.manifest_sha256 != claim.manifest_sha256:
        raise NotABackup(f"{where} is not of the backup that was copied.", remedy="Do not trust this backup.")
    return found


def _text(content: bytes, where: str) -> str:
    """
    :raises NotABackup: it is no UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise NotABackup(f"{where} is no text: {error}.", remedy="Do not trust this backup.") from error


def last_written(store: Store, directory: Path) -> datetime:
    """When an object, or an upload in parts, was last begun below a name of a backup.

    :raises FileFailed: the store cannot be listed.
    """
    written = [facts.modified for facts in store.objects(str(directory)).values()]
    return max([*written, *store.uploads(str(directory)).values()])


def directory_of(store: Store, url: str) -> Path:
    """The directory of a backup, relative to the store, by its URL.

    :raises NotABackup: the URL is not one of a backup of the store.
    """
    base = store.address.url
    directory = Path(url[len(base) + 1 :])
    if not url.startswith(f"{base}/") or len(directory.parts) != 2 or not stored.is_name(directory.name):
        raise NotABackup(
            f"{url} is no directory of a backup below {base}.",
            remedy="Write it as pgsafe.migration.list shows it.",
        )
    return directory
