# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetch a backup from an object store to a directory of the target, each file checked as in any other copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import NOTHING_CHANGED, BadRequest, NotABackup
from ..model import StoreAddress
from ..ports import signals
from ..ports.object_store import Store
from ..retention import remote
from . import copy_source, directory_place
from .copy_source import CopySource


@dataclass(frozen=True)
class FetchRequest:
    """
    :param database: whose newest proven backup is fetched.
    :param url: of the directory of another one, below that of the store; empty for the newest.
    :param before: when the newest one must have been begun before.
    :param fetch_to: an existing directory.
    """

    address: StoreAddress
    database: str
    url: str
    before: datetime | None
    fetch_to: Path

    def require_sound(self) -> None:
        """
        :raises BadRequest: neither a database nor a backup is named, or the directory is relative.
        """
        if not (self.database or self.url):
            raise BadRequest("Neither a database nor a backup is named.", remedy="Give database or backup_dir.")
        if not self.fetch_to.is_absolute():
            raise BadRequest(f"{str(self.fetch_to)!r} is not an absolute path.", remedy="Check fetch_to.")


@dataclass(frozen=True)
class Fetched:
    """:param made: False where the directory has the backup already."""

    shown: str
    backup_dir: Path
    bytes: int
    made: bool


def plan(request: FetchRequest) -> Fetched:
    """What would be fetched, by reading alone.

    :raises NotABackup: the store has no such backup.
    :raises FileFailed, Refused: the store or the directory cannot be used.
    :raises BadRequest: as :meth:`FetchRequest.require_sound`.
    """
    request.require_sound()
    source = _source(request)
    directory_place.require_usable(request.fetch_to, source)
    return _fetched(request, source, not directory_place.is_there(request.fetch_to, source))


def run(request: FetchRequest) -> Fetched:
    """
    :raises Interrupted: a signal came; the unfinished copy is removed.
    :raises NotABackup, FileFailed, Refused, BadRequest: as :func:`plan`, or a file differs from what was copied.
    """
    request.require_sound()
    with signals.raised("The fetch of the backup"):
        source = _source(request)
        return _fetched(request, source, directory_place.made(request.fetch_to, source))


def _fetched(request: FetchRequest, source: CopySource, made: bool) -> Fetched:
    return Fetched(source.shown, request.fetch_to / source.relative, source.manifest.bytes, made)


def _source(request: FetchRequest) -> CopySource:
    store = Store(request.address)
    named = remote.directory_of(store, request.url) if request.url else _newest(store, request)
    return copy_source.of_store(store, named)


def _newest(store: Store, request: FetchRequest) -> Path:
    found = [of for of in remote.all_of(store, request.database) if of.proven]
    proven = [of for of in found if request.before is None or of.created < request.before]
    if not proven:
        raise NotABackup(
            f"There is no proven backup of {request.database} below {request.address.url}.",
            state=NOTHING_CHANGED,
            remedy="Look at what there is with pgsafe.migration.list.",
        )
    return max(proven, key=lambda of: (of.created, of.run_id)).directory
