# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetch a backup from another place to a directory of the target, each file checked as in any other copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..errors import NOTHING_CHANGED, BadRequest, NotABackup
from ..model import StoreAddress
from ..ports import signals
from ..ports.object_store import Store
from ..retention import remote, stored
from ..retention.stored import StoredBackup
from . import directory_place, fetch_source
from .copy_source import CopySource


@dataclass(frozen=True)
class FetchRequest:
    """
    :param place: an object store, or a directory of the target.
    :param database: whose newest proven backup is fetched.
    :param named: another one: its URL, below that of the store, or its directory; empty for the newest.
    :param before: when the newest one must have been begun before.
    :param fetch_to: an existing directory.
    :param identity: the text of an identity file of age, for an encrypted copy.
    """

    place: StoreAddress | Path
    database: str
    named: str
    before: datetime | None
    fetch_to: Path
    identity: str = field(default="", repr=False)

    def require_sound(self) -> None:
        """
        :raises BadRequest: neither a database nor a backup is named, or the directory is relative.
        """
        if not (self.database or self.named):
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
    with _source(request, locked=False) as source:
        directory_place.require_usable(request.fetch_to, source)
        return _fetched(request, source, not directory_place.is_there(request.fetch_to, source))


def run(request: FetchRequest) -> Fetched:
    """
    :raises Interrupted: a signal came; the unfinished copy is removed.
    :raises NotABackup, FileFailed, Refused, BadRequest: as :func:`plan`, or a file differs from what was copied.
    """
    request.require_sound()
    with signals.raised("The fetch of the backup"), _source(request, locked=True) as source:
        return _fetched(request, source, directory_place.made(request.fetch_to, source))


def _fetched(request: FetchRequest, source: CopySource, made: bool) -> Fetched:
    return Fetched(source.shown, request.fetch_to / source.relative, source.manifest.bytes, made)


@contextmanager
def _source(request: FetchRequest, locked: bool) -> Iterator[CopySource]:
    """:param locked: keep retention from a directory that is fetched; a store has no locks."""
    if isinstance(request.place, Path):
        directory = _directory(request.place, request)
        run_journal = stored.run_of(directory) if locked else None
        with run_journal.held() if run_journal else nullcontext():
            yield fetch_source.of_directory(directory, request.identity)
        return
    store = Store(request.place)
    named = remote.directory_of(store, request.named) if request.named else None
    newest = named or _newest(remote.all_of(store, request.database), request)
    yield fetch_source.of_store(store, newest, request.identity)


def _directory(place: Path, request: FetchRequest) -> Path:
    if request.named:
        return Path(request.named).resolve()
    return _newest(stored.all_of(place, request.database), request)


def _newest(found: Iterable[StoredBackup], request: FetchRequest) -> Path:
    proven = [of for of in found if of.proven and (request.before is None or of.created < request.before)]
    if not proven:
        where = request.place if isinstance(request.place, Path) else request.place.url
        raise NotABackup(
            f"There is no proven backup of {request.database} below {where}.",
            state=NOTHING_CHANGED,
            remedy="Look at what there is with pgsafe.migration.list.",
        )
    return max(proven, key=lambda of: (of.created, of.run_id)).directory
