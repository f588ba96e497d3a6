# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of a proven backup at other places, a directory of a file server or an object store, each read back there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import NOTHING_CHANGED, BadRequest, FileFailed, NotABackup, PgsafeError, Refused
from ..model import StoreAddress
from ..ports import age, signals
from ..ports.object_store import Store
from . import controller_place, copy_source, directory_place, store_place
from .copy_source import CopySource


@dataclass(frozen=True)
class Place:
    """A directory of the target or of the controller, or an object store.

    :param required: whether a copy that fails fails the whole request.
    :param store: None for a directory.
    :param recipients: public keys of age that the copy is encrypted for; none for a plain copy.
    :param on_controller: the directory is there, and made when it is needed.
    """

    path: Path
    required: bool = True
    store: StoreAddress | None = None
    recipients: tuple[str, ...] = ()
    on_controller: bool = False

    @property
    def shown(self) -> str:
        return self.store.url if self.store else str(self.path)


@dataclass(frozen=True)
class CopyRequest:
    """:param backup_dir: the directory of a verified backup, or a link to it."""

    backup_dir: Path
    places: tuple[Place, ...]

    def require_sound(self) -> None:
        """
        :raises BadRequest: a place is relative, or named twice.
        """
        for place in self.places:
            if not place.store and not place.path.is_absolute():
                raise BadRequest(f"The place {str(place.path)!r} is not an absolute path.", remedy="Check copy_to.")
        if len({place.shown for place in self.places}) < len(self.places):
            raise BadRequest("copy_to names a place twice.", remedy="Name each place once.")


@dataclass(frozen=True)
class Copied:
    """
    :param location: of the copy: its directory, or the URL that the names of its objects begin with.
    :param made: False where the place has the backup already, or cannot have it.
    :param problem: why the place has no copy; empty when it has one.
    """

    place: Place
    location: str
    bytes: int
    made: bool
    problem: str = ""


class NotCopied(FileFailed):
    """A place that is required has no copy."""

    def __init__(self, found: Sequence[Copied]) -> None:
        listed = "".join(f"\n  {copied.place.shown}: {copied.problem}" for copied in _failed(found))
        super().__init__(
            f"The backup could not be copied to every place:{listed}\n",
            remedy="Fix the cause and run again, or set required: false for a place that may lack the backup.",
        )
        self.found = tuple(found)


def plan(request: CopyRequest) -> tuple[Copied, ...]:
    """What would be copied, by reading alone.

    :raises NotCopied: a required place cannot be used.
    :raises BadRequest: as :meth:`CopyRequest.require_sound`.
    :raises NotABackup, Refused: there is no verified backup to copy.
    """
    request.require_sound()
    source = copy_source.of_directory(request.backup_dir)
    return require_required([tried(place, source, foreseen=True) for place in request.places])


def run(request: CopyRequest) -> tuple[Copied, ...]:
    """Copy to each place; one that fails does not keep the others from their copies.

    :raises NotCopied: a required place has no copy.
    :raises Interrupted: a signal came; the unfinished copy is removed.
    :raises BadRequest: as :meth:`CopyRequest.require_sound`.
    :raises NotABackup, Refused: there is no verified backup to copy, or another process works on its run.
    """
    request.require_sound()
    # Its run's lock keeps retention and the watchdog of the run from it.
    with copy_source.lock(request.backup_dir), signals.raised("The copy of the backup"):
        source = copy_source.of_directory(request.backup_dir)
        return require_required([tried(place, source, foreseen=False) for place in request.places])


def require_required(found: Sequence[Copied]) -> tuple[Copied, ...]:
    """
    :raises NotCopied: a required place has no copy.
    """
    if any(copied.place.required for copied in _failed(found)):
        raise NotCopied(found).with_state(_state(found))
    return tuple(found)


def _failed(found: Sequence[Copied]) -> list[Copied]:
    return [copied for copied in found if copied.problem]


def _state(found: Sequence[Copied]) -> str:
    whole = [copied.location for copied in found if not copied.problem]
    return f"{NOTHING_CHANGED} Copies: {', '.join(whole) or 'none'}."


def tried(place: Place, source: CopySource, foreseen: bool) -> Copied:
    """Copy to one place, or check that it can be used. A failure is returned as the problem of the place.

    :raises Interrupted: a signal came; the unfinished copy is removed.
    """
    location = f"{place.shown}/{source.relative}"
    try:
        made = _foreseen(place, source) if foreseen else _made(place, source)
    except (BadRequest, FileFailed, NotABackup, Refused) as error:
        return Copied(place, location, 0, made=False, problem=told(error))
    return Copied(place, location, source.manifest.bytes, made)


def _foreseen(place: Place, source: CopySource) -> bool:
    if place.recipients:
        age.require_recipients(place.recipients)
    if place.store:
        return not store_place.is_there(Store(place.store), source)
    path = controller_place.foreseen(place.path) if place.on_controller else place.path
    directory_place.require_usable(path, source)
    return not directory_place.is_there(place.path, source)


def _made(place: Place, source: CopySource) -> bool:
    if place.recipients:
        age.require_recipients(place.recipients)
    if place.store:
        return store_place.made(Store(place.store), source, place.recipients)
    path = controller_place.make(place.path) if place.on_controller else place.path
    return directory_place.made(path, source, place.recipients)


def told(error: PgsafeError) -> str:
    """What failed, and what to do next, without the state: another place may have its copy."""
    return " ".join(part for part in (error.what, *error.undo_problems, error.remedy) if part)
