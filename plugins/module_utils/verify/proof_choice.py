# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a backup is best proven: beside the live database, for an instant rollback, unless that harms its server."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Filesystem, Target
from ..ports.database import session
from ..postgres import filesystems, wal
from ..postgres.wal import Wal
from ..text import size

VERIFIED_COPY = "verified_copy"
SCRATCH = "scratch"
TEMPORARY_INSTANCE = "temporary_instance"


@dataclass(frozen=True)
class Choice:
    """:param reason: a sentence for people."""

    proof: str
    reason: str


def look(target: Target, database_bytes: int, tablespace: str, *, kept: bool) -> Choice:
    """
    :param kept: whether a copy beside the database would be kept for a rollback.
    :param database_bytes: of the database that was backed up.
    :param tablespace: of that database, where a copy would be as well.
    :raises ConnectionFailed: the server cannot be reached.
    """
    with session(target.maintenance, purpose="look") as reader:
        return choose(filesystems.of_tablespace(reader, tablespace), wal.read(reader), database_bytes, kept=kept)


def choose(disk: Filesystem, log: Wal, database_bytes: int, *, kept: bool) -> Choice:
    """By the room for a copy, and by who must carry its write-ahead log.

    :param kept: as in :func:`look`.
    """
    written = log.written_by_restore(database_bytes)
    shared = disk.device is None or disk.device == log.filesystem.device
    needed = database_bytes + (log.kept_of(written) if shared else 0)
    if disk.free_bytes is not None and disk.free_bytes < needed:
        why = f"{disk.path} has {size(disk.free_bytes)} free, and a copy beside the database needs {size(needed)}"
        return Choice(TEMPORARY_INSTANCE, f"Proven in a temporary instance: {why}.")
    lost = [slot.name for slot in log.slots if slot.safe_bytes is not None and slot.safe_bytes < written]
    if lost:
        why = f"a copy beside the database writes {size(written)} of log, and the slot {lost[0]} would be lost"
        return Choice(TEMPORARY_INSTANCE, f"Proven in a temporary instance: {why}.")
    why = f"{_room(disk)}{_carried(log, written)}"
    if not kept:
        return Choice(SCRATCH, f"Proven beside the database, in a copy that is dropped: {why}.")
    return Choice(VERIFIED_COPY, f"Proven by a verified copy on the same server, for an instant rollback: {why}.")


def _room(disk: Filesystem) -> str:
    return "its disk cannot be seen from here" if disk.free_bytes is None else f"{size(disk.free_bytes)} are free"


def _carried(log: Wal, written: int) -> str:
    carriers = [*[f"the standby {one.name}" for one in log.standbys], *[f"the slot {one.name}" for one in log.slots]]
    if log.archiver:
        carriers.append("the archive")
    told = f"; it writes about {size(written)} of write-ahead log"
    return f"{told}, which {', '.join(carriers)} will carry" if carriers else told
