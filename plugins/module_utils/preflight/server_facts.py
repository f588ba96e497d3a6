# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every check looks at: gathered once, by reading alone, for the preflight and for a restore alike."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import DatabaseProperties
from ..ports.database import Session
from ..postgres import filesystems, identity, login_triggers, queries, wal
from ..text import size
from .checks.check import (
    Extension,
    LiveFacts,
    Role,
    ServerFacts,
    SessionFact,
    SessionRole,
    Setting,
    Subscription,
    Unseen,
    Wanted,
    WantedFacts,
)

_ROLE = """
SELECT r.rolname, r.rolsuper, r.rolcreatedb,
       COALESCE((SELECT pg_has_role(d.datdba, 'USAGE') FROM pg_database d WHERE d.datname = %s), true),
       r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE')
  FROM pg_roles r WHERE r.rolname = CURRENT_USER
"""

# Since 16 a member may be kept from SET ROLE, and then cannot make the role an owner either.
_MAY_BECOME = """
SELECT rolname FROM pg_roles
 WHERE rolname = ANY (%s) AND pg_has_role(oid, CASE WHEN %s THEN 'SET' ELSE 'MEMBER' END)
"""

# PostgreSQL's own have OIDs below the first of a user's: https://www.postgresql.org/docs/current/system-catalog-initial-data.html
_SESSION_ROLE = "SELECT rolsuper OR oid < 16384 FROM pg_roles WHERE rolname = %s"
_SINCE_SET = 160000

# A role that is granted one of these gets more than what it owns.
_POWERFUL = """
SELECT r.rolname FROM pg_catalog.pg_roles r
 WHERE r.rolname = ANY (%s)
   AND (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls
        OR EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE (s.rolsuper OR s.rolcreaterole OR s.rolname ^@ 'pg_')
                                                      AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER')))
"""

_EXTENSIONS = """
SELECT name, array_agg(version ORDER BY version), array_agg(version) FILTER (WHERE trusted OR NOT superuser)
  FROM pg_available_extension_versions WHERE name = ANY (%s) GROUP BY name
"""

_SUBSCRIPTIONS = """
SELECT s.subname, s.subenabled FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
 WHERE d.datname = %s ORDER BY 1
"""

# Those of a copy's sessions: it gets the database's own settings at the cut-over, not before.
_SETTINGS = """
SELECT CASE WHEN c.setrole = 0 THEN '' ELSE pg_get_userbyid(c.setrole)::text END, s.setting
  FROM pg_db_role_setting c CROSS JOIN LATERAL unnest(c.setconfig) AS s (setting)
 WHERE c.setdatabase = 0 AND (c.setrole = 0 OR pg_get_userbyid(c.setrole) = SESSION_USER)
 ORDER BY 1, 2
"""

_TABLESPACES = """
SELECT spcname, has_tablespace_privilege(oid, 'CREATE') FROM pg_tablespace WHERE spcname = ANY (%s) ORDER BY 1
"""


def gather(
    reader: Session,
    database: str,
    wanted: Wanted,
    copies: Sequence[str] = (),
    tablespace: str = "pg_default",
    stated_free_bytes: int | None = None,
    unseen_disk: str = "warning",
) -> ServerFacts:
    """
    :param reader: a session with any database of the server.
    :param database: the live one that is backed up or to be replaced; empty when none is.
    :param copies: names that databases will be given.
    :param tablespace: where a copy will be.
    :param unseen_disk: the severity of not seeing how much is free there.
    :raises QueryFailed: a catalog cannot be read.
    """
    found = identity.server(reader)
    facts = ServerFacts(
        server_version=found.version,
        server_version_text=found.version_text,
        database=database,
        standby=bool(reader.value(queries.STANDBY)),
        followed=next((address for (address,) in reader.rows(queries.FOLLOWED) if address), ""),
        role=_role(reader, database, wanted),
        wanted=wanted,
        data_filesystem=filesystems.of_tablespace(reader, tablespace),
        stated_free_bytes=stated_free_bytes,
        wal=wal.read(reader),
        extensions=_extensions(reader, wanted),
        settings=tuple(_setting(role, text) for role, text in reader.rows(_SETTINGS)),
        login_events=login_triggers.firing(reader, *filter(None, (database, *copies))),
        not_seen=(),
        **vars(_wanted_objects(reader, wanted)),
        **vars(_live_database(reader, database)),
    )
    return with_unseen(facts, *_unseen_disk(facts, unseen_disk))


def _wanted_objects(reader: Session, wanted: Wanted) -> WantedFacts:
    roles = list(wanted.roles)
    return WantedFacts(
        present_roles=tuple(name for (name,) in reader.rows(queries.ROLES, (roles,))),
        powerful_roles=tuple(name for (name,) in reader.rows(_POWERFUL, (roles,))),
        usable_tablespaces=dict(reader.rows(_TABLESPACES, (list(wanted.tablespaces),))),
    )


def _live_database(reader: Session, database: str) -> LiveFacts:
    oid = reader.rows(queries.DATABASE_OID, (database,))
    superusers = reader.rows(queries.SUPERUSERS_SESSIONS, (database,))
    return LiveFacts(
        oid=int(oid[0][0]) if oid else 0,
        prepared_transactions=tuple(gid for (gid,) in reader.rows(queries.PREPARED, (database,))),
        subscriptions=tuple(Subscription(*row) for row in reader.rows(_SUBSCRIPTIONS, (database,))),
        sessions=tuple(SessionFact(*row) for row in reader.rows(queries.SESSIONS, (database, [reader.pid]))),
        superusers_sessions=tuple(f"pid {pid} of {user}" for pid, user in superusers),
    )


def with_unseen(facts: ServerFacts, *unseen: Unseen) -> ServerFacts:
    """The same facts, with more that was not seen."""
    return ServerFacts(**{**vars(facts), "not_seen": (*facts.not_seen, *unseen)})


def roles_of(needed: Sequence[str], properties: DatabaseProperties) -> tuple[str, ...]:
    """The roles without which a database cannot be restored.

    :param needed: owners and grantees of what is in it.
    """
    every = {*needed, properties.owner}
    every |= {role for role, _setting in properties.settings} | {grantee for grantee, *_rest in properties.acl or ()}
    # Those of the server's own are there in every cluster; without a name it is everybody.
    return tuple(sorted(role for role in every if role and not role.startswith("pg_")))


def _unseen_disk(facts: ServerFacts, severity: str) -> list[Unseen]:
    if facts.data_filesystem.free_bytes is not None or facts.stated_free_bytes is not None:
        return []
    return [
        Unseen(
            "data_disk",
            severity,
            f"The free space of {facts.data_filesystem.path} cannot be seen from here; a restored copy beside the live "
            f"database takes {size(facts.bytes_needed)} there.",
            "Look on the server (df -h \"$(psql -XAtc 'SHOW data_directory')\") and state what is free (free_bytes), "
            "or waive this check.",
        )
    ]


def _role(reader: Session, live: str, wanted: Wanted) -> Role:
    become = reader.rows(_MAY_BECOME, (list(wanted.roles), reader.version >= _SINCE_SET))
    name, superuser, createdb, owns, may_signal = reader.row(_ROLE, (live,))
    return Role(
        name=name,
        superuser=superuser,
        createdb=createdb,
        owns_database=owns,
        may_signal=may_signal,
        may_silence=login_triggers.may_silence(reader),
        may_become=frozenset(name for (name,) in become),
    )


def session_role(reader: Session, name: str | None) -> SessionRole | None:
    """
    :param name: of the role that a migration is to run as; None for the role that connects.
    """
    if not name:
        return None
    powerful = reader.rows(_SESSION_ROLE, (name,))
    permitted = reader.rows(_MAY_BECOME, ([name], reader.version >= _SINCE_SET))
    return SessionRole(name, bool(powerful), bool(permitted), powerful == [(True,)])


def _extensions(reader: Session, wanted: Wanted) -> dict[str, Extension]:
    return {
        name: Extension(tuple(versions), frozenset(trusted or ()))
        for name, versions, trusted in reader.rows(_EXTENSIONS, (list(wanted.extensions),))
    }


def _setting(role: str, text: str) -> Setting:
    name, _equals, value = text.partition("=")
    return Setting(role, name, value)
