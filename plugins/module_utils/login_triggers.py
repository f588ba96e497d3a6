# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Login event triggers, since PostgreSQL 17: sessions of ours connect without firing them, where they may.

https://www.postgresql.org/docs/current/event-trigger-database-login-example.html
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session, session
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target

FIRST_VERSION = 170000

# It takes a superuser, or GRANT SET ON PARAMETER: at the start of a session that of whoever logs in is asked for.
_MAY_SILENCE = "SELECT pg_catalog.has_parameter_privilege(SESSION_USER, 'event_triggers', 'SET')"

_FIRING = "SELECT datname FROM pg_catalog.pg_database WHERE dathasloginevt AND datname = ANY (%s)"


def silenced(target: Target) -> Target:
    """The same way, whose sessions fire no event trigger; unchanged where there are none, or this role may not.

    Not for the sessions of a migration: what it does is to fire them.

    :raises ConnectionFailed: the maintenance database cannot be reached.
    """
    with session(target.maintenance, purpose="look") as server:
        if not may_silence(server):
            return target
    return replace(target, startup={**target.startup, "event_triggers": "off"})


def may_silence(server: Session) -> bool:
    return server.version >= FIRST_VERSION and bool(server.value(_MAY_SILENCE))


def firing(server: Session, *databases: str) -> tuple[str, ...]:
    """Those of the databases that have a login event trigger."""
    if server.version < FIRST_VERSION:
        return ()
    return tuple(name for (name,) in server.rows(_FIRING, (list(databases),)))
