# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Event triggers: sessions connect without firing them, where they may; those for a login are there since 17.

https://www.postgresql.org/docs/current/event-trigger-database-login-example.html
"""

from __future__ import annotations

from dataclasses import replace

from ..model import Target
from ..ports.database import Session, session

FIRST_VERSION = 170000

# Before 17 there is no setting for it; but a session like that of a replica's applies none of them, except for those
# ENABLE ALWAYS: https://www.postgresql.org/docs/16/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
_SILENCING = ("event_triggers", "off")
_SILENCING_BEFORE = ("session_replication_role", "replica")

# It takes a superuser, or GRANT SET ON PARAMETER: at the start of a session the right of the login role counts.
_MAY_SET = "SELECT pg_catalog.has_parameter_privilege(SESSION_USER, %s, 'SET')"
_GRANTABLE_SINCE = 150000
_SUPERUSER = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = SESSION_USER"

_FIRING = "SELECT datname FROM pg_catalog.pg_database WHERE dathasloginevt AND datname = ANY (%s)"


def silenced(target: Target) -> Target:
    """The same way, whose sessions fire no event trigger; unchanged where this role may not.

    Not for the sessions of a migration: what it does is to fire them.

    :raises ConnectionFailed: the maintenance database cannot be reached.
    """
    with session(target.maintenance, purpose="look") as server:
        if not may_silence(server):
            return target
        name, value = _silencing(server)
    return replace(target, startup={**target.startup, name: value})


def may_silence(server: Session) -> bool:
    if server.version < _GRANTABLE_SINCE:
        return bool(server.value(_SUPERUSER))
    return bool(server.value(_MAY_SET, (_silencing(server)[0],)))


def _silencing(server: Session) -> tuple[str, str]:
    return _SILENCING if server.version >= FIRST_VERSION else _SILENCING_BEFORE


def firing(server: Session, *databases: str) -> tuple[str, ...]:
    """Those of the databases that have a login event trigger."""
    if server.version < FIRST_VERSION:
        return ()
    return tuple(name for (name,) in server.rows(_FIRING, (list(databases),)))
