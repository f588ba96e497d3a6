# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the database of a backup is by now: by its OID, whatever a migration has called it, or put in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import names, playbooks
from ..backup_set.manifest import Manifest
from ..copies import copy as copies
from ..errors import BadRequest, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Target
from ..ports.database import Session, session
from ..postgres import cutover, queries
from ..postgres import identity as identities
from . import mark as fence_mark

# The original, and what a migration may have put in its place under its name and under its fenced one.
_MOST_KEPT = 3


@dataclass(frozen=True)
class Live:
    """Where the database of a backup is now.

    :param name: its name of now, or None when it is gone.
    :param done: it has been replaced already, and the name belongs to a restored one.
    :param impostors: OIDs by name of other databases that the migration has put in its place.
    """

    name: str | None
    done: bool
    impostors: Mapping[str, int] = field(default_factory=dict)

    def places(self, oid: int) -> dict[str, int]:
        """OIDs by name of all that leaves the place; the original, if it is there, is the first."""
        return {**({self.name: oid} if self.name else {}), **self.impostors}


def kept_names(database: str, run_id: str) -> tuple[str, ...]:
    """What the replaced database is kept as; the others are for what a migration had put in its place."""
    numbers = ["", *[str(number) for number in range(2, _MOST_KEPT + 1)]]
    return tuple(names.beside(database, f"failed{number}", run_id) for number in numbers)


def kept_name(manifest: Manifest) -> str:
    return kept_names(manifest.identity.name, manifest.run_id)[0]


def restored_name(manifest: Manifest) -> str:
    return names.beside(manifest.identity.name, "restored", manifest.run_id)


def fenced_name(manifest: Manifest) -> str:
    return fence_mark.closed_name(manifest.identity.name, manifest.run_id)


def is_done(target: Target, manifest: Manifest) -> bool:
    """Whether the database of the backup has been replaced already, and is kept."""
    with session(target.maintenance, purpose="rollback") as server:
        found = server.rows(queries.NAME_AND_OPEN, (manifest.identity.oid,))
    return bool(found) and found[0][0] == kept_name(manifest)


def require_elsewhere(target: Target) -> None:
    """
    :raises BadRequest: the database would be renamed from within itself, which no server does.
    """
    if target.dbname == target.maintenance_db:
        raise BadRequest(
            f"The database {target.dbname} is the maintenance database too, and cannot be renamed from within itself.",
            remedy="Name another one to work from in maintenance_db (pg_migrate_connection.maintenance_db): template1.",
        )


def require_free(target: Target, manifest: Manifest) -> None:
    """Asked before anything is changed: a rollback must not find one of its names taken.

    :raises Refused: a database of another owner has one.
    """
    with session(target.maintenance, purpose="rollback") as server:
        for name in (*kept_names(manifest.identity.name, manifest.run_id), restored_name(manifest)):
            found = server.rows(queries.DATABASE_COMMENT, (name,))
            if found and not copies.is_of_run(name, found[0][0], manifest.identity.name, manifest.run_id):
                raise Refused(
                    f"A database {name} exists already, and a rollback would need the name.",
                    remedy=f"Rename it: ALTER DATABASE {names.quoted(name)} RENAME TO … Then run again.",
                )


def find(target: Target, manifest: Manifest, run_journal: Journal | None, in_window: bool = False) -> Live:
    """The database of the backup, by its OID, whatever it is called now; opened if an earlier try left it closed.

    :param in_window: only the migration has been at work, so it has put there what is in the place now.
    :raises Refused: this is another server, or the name belongs to another database.
    """
    mine, kept = manifest.identity, kept_name(manifest)
    with session(target.maintenance, purpose="rollback") as server:
        identities.require_same(mine, identities.read(server, target.maintenance_db), same_database=False)
        found = server.rows(queries.NAME_AND_OPEN, (mine.oid,))
        oids = {name: oid for name in (mine.name, fenced_name(manifest), kept) for oid in _oid(server, name)}
    name, is_open = found[0] if found else (None, True)
    if name == kept or _took_over(run_journal, oids.get(mine.name)):
        return Live(kept if kept in oids else None, done=True)
    impostors = {other: oid for other, oid in oids.items() if oid != mine.oid and other != kept}
    if mine.name in impostors and (name == fenced_name(manifest) or not in_window):
        raise _replaced_since(manifest, name)
    if name and not is_open:
        cutover.reopen(target, name)
    return Live(name, done=False, impostors=impostors if in_window else {})


def _oid(server: Session, name: str) -> list[int]:
    return [int(oid) for (oid,) in server.rows(queries.DATABASE_OID, (name,))]


def _took_over(run_journal: Journal | None, namesake: int | None) -> bool:
    """Whether the name is that of the copy which a rollback of the run has put there."""
    swapping = run_journal.last(Event.SWAPPING) if run_journal else None
    return swapping is not None and swapping.facts["oid"] == namesake


def _replaced_since(manifest: Manifest, name: str | None) -> Refused:
    where = f"is kept as {name}" if name else "is gone"
    return Refused(
        f"{manifest.identity.name} is no longer the database that was backed up, which {where}.",
        remedy="To restore the backup into another database, name a new_database. If a run is said to be unfinished "
        f"and the database is right as it is: {playbooks.deciding(manifest.run_id, 'mark_resolved')}",
    )
