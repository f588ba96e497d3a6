# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which server and which database this is; compared before every dangerous statement."""

from __future__ import annotations

from ..errors import Refused
from ..model import Identity, Server
from ..ports.database import Session
from . import queries


def server(session: Session) -> Server:
    return Server(session.version, str(session.value("SHOW server_version")))


def read(session: Session, database: str | None = None) -> Identity:
    """The identity of the session's database, or of another one of its server.

    :raises Refused: there is no such database.
    """
    name = database or session.target.dbname
    found = session.rows(queries.IDENTITY, (name,))
    if not found:
        raise Refused(f"There is no database {name} on {session.target.described}.")
    return Identity(*found[0])


def require_same(expected: Identity, actual: Identity, same_database: bool = True) -> None:
    """
    :param same_database: also its OID; a rollback that finds the database gone compares the server alone.
    :raises Refused: this is another server (a failover, a restored cluster), or another database of that name.
    """
    if expected.system_identifier != actual.system_identifier or expected.timeline != actual.timeline:
        raise Refused(
            f"This is not the server that the backup was taken from: system identifier {actual.system_identifier} "
            f"timeline {actual.timeline}, in the backup {expected.system_identifier} timeline {expected.timeline}.",
            remedy="Connect to the right server; after a failover take a new backup.",
        )
    if same_database and expected.oid != actual.oid:
        raise Refused(
            f"{actual.name} is not the database that the backup was taken from: OID {actual.oid}, "
            f"in the backup {expected.oid} ({expected.name}).",
            remedy="Name the backup of this very database, or take a new one.",
        )
