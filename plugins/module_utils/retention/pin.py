# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pin: have retention leave a backup alone, with a reason, until it is unpinned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..backup_set import manifest as manifests
from ..errors import BadRequest, NotABackup, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.state import BackupStage
from . import stored
from .stored import Condition, StoredBackup


@dataclass(frozen=True)
class PinRequest:
    """:param backup_dir: the directory of a backup, or a link to it.
    :param reason: of the pin; empty to unpin.
    """

    backup_dir: Path
    reason: str


@dataclass(frozen=True)
class Pinned:
    """:param backup: as it was before."""

    backup: StoredBackup
    reason: str

    @property
    def changed(self) -> bool:
        return self.backup.pinned != self.reason


def plan(request: PinRequest) -> Pinned:
    """What would be done, by reading alone.

    :raises NotABackup: it is no backup, or no longer one.
    :raises Refused: no run of the backup root took it, so retention leaves it alone anyway.
    """
    try:
        directory = request.backup_dir.resolve()
    except (OSError, RuntimeError) as error:
        raise NotABackup(f"{request.backup_dir} cannot be resolved: {error}.", remedy="Check backup_dir.") from error
    if not stored.is_directory(directory):
        raise NotABackup(f"{request.backup_dir} is no directory of a backup.", remedy="Check backup_dir.")
    found = require_whole(stored.look(directory))
    _journal(directory)
    return Pinned(found, request.reason)


def require_whole(found: StoredBackup) -> StoredBackup:
    """
    :raises NotABackup: it is no whole backup.
    """
    directory = found.directory
    if found.condition in (Condition.PARTLY_REMOVED, Condition.UNFINISHED):
        raise NotABackup(f"The backup {directory} is {found.condition}.", remedy="Name another one.")
    if found.condition is Condition.UNREADABLE:
        raise NotABackup(f"The backup {directory} cannot be read: {found.problem}.", remedy="Name another one.")
    return found


def run(request: PinRequest) -> Pinned:
    """
    :raises PgsafeError: as :func:`plan`, or its journal could not be written.
    """
    found = plan(request)
    if found.changed:
        run_journal = _journal(found.backup.directory)
        if request.reason:
            run_journal.append(Event.PINNED, reason=request.reason)
            _require_there(found.backup.directory, run_journal)
        else:
            run_journal.append(Event.UNPINNED)
    return found


def _journal(directory: Path) -> Journal:
    found = stored.run_of(directory)
    if found is None:
        raise Refused(
            f"No run of this backup root took {directory}, so retention leaves it alone; there is nothing to pin.",
            remedy="Check backup_dir.",
        )
    return found


def _require_there(directory: Path, run_journal: Journal) -> None:
    """
    :raises NotABackup: its removal had begun before it was pinned.
    """
    begun = run_journal.state.backup is BackupStage.REMOVED
    if begun and (run_journal.alive or not manifests.is_sealed(directory)):
        raise NotABackup(f"The backup {directory} is being removed.", remedy="Pin another one.")


def reason_of(pinned: bool, reason: str) -> str:
    """
    :raises BadRequest: a pin has no reason.
    """
    if pinned and not reason.strip():
        raise BadRequest("Pinning a backup requires a reason.", remedy="Set reason.")
    return reason.strip() if pinned else ""
