# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of the checks before a restore: gathered once, by reading alone, in the maintenance database."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    cluster,
    filesystems,
    identity,
    login_triggers,
    queries,
    wal,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import SessionFact
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks.check import (
    Extension,
    Facts,
    Intent,
    Role,
    Setting,
    Subscription,
    Taken,
)

_ROLE = """
SELECT r.rolname, r.rolsuper, r.rolcreatedb,
       COALESCE((SELECT pg_has_role(d.datdba, 'USAGE') FROM pg_database d WHERE d.datname = %s), true),
       r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE')
  FROM pg_roles r WHERE r.rolname = CURRENT_USER
"""

# Since 16 a member may be kept from SET ROLE, and then cannot make the role an owner either.
_MAY_BECOME = "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, CASE WHEN %s THEN 'SET' ELSE 'MEMBER' END)"
_SINCE_SET = 160000

_EXTENSIONS = """
SELECT name, array_agg(version ORDER BY version), array_agg(version) FILTER (WHERE trusted OR NOT superuser)
  FROM pg_available_extension_versions GROUP BY name
"""

_TAKEN = """
SELECT datname, COALESCE(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = ANY (%s) ORDER BY 1
"""

_SUBSCRIPTIONS = """
SELECT s.subname, s.subenabled FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
 WHERE d.datname = %s ORDER BY 1
"""

# Those of the copy's sessions: it gets the database's own settings at the cut-over, not before.
_SETTINGS = """
SELECT CASE WHEN c.setrole = 0 THEN '' ELSE pg_get_userbyid(c.setrole)::text END, s.setting
  FROM pg_db_role_setting c CROSS JOIN LATERAL unnest(c.setconfig) AS s (setting)
 WHERE c.setdatabase = 0 AND (c.setrole = 0 OR pg_get_userbyid(c.setrole) = SESSION_USER)
 ORDER BY 1, 2
"""


def gather(reader: Session, intent: Intent) -> Facts:
    """
    :param reader: a session in the maintenance database.
    :raises QueryFailed: a catalog cannot be read.
    """
    found, manifest, live = identity.server(reader), intent.manifest, intent.replaces
    others = (live, [reader.pid])
    return Facts(
        intent=intent,
        server_version=found.version,
        server_version_text=found.version_text,
        standby=bool(reader.value(queries.STANDBY)),
        role=_role(reader, live),
        cluster=cluster.objects(reader, manifest.identity),
        changed=_changed(reader, manifest),
        extensions={
            name: Extension(tuple(versions), frozenset(trusted or ()))
            for name, versions, trusted in reader.rows(_EXTENSIONS)
        },
        data_filesystem=filesystems.of_tablespace(reader, manifest.properties.tablespace),
        wal=wal.read(reader),
        taken=tuple(_taken(name, comment, intent) for name, comment in reader.rows(_TAKEN, (list(intent.creates),))),
        prepared_transactions=tuple(gid for (gid,) in reader.rows(queries.PREPARED, (live,))),
        subscriptions=tuple(Subscription(*row) for row in reader.rows(_SUBSCRIPTIONS, (live,))),
        sessions=tuple(SessionFact(*row) for row in reader.rows(queries.SESSIONS, others)),
        superusers_sessions=tuple(
            f"pid {pid} of {user}" for pid, user in reader.rows(queries.SUPERUSERS_SESSIONS, (live,))
        ),
        settings=tuple(_setting(role, text) for role, text in reader.rows(_SETTINGS)),
        login_events=login_triggers.firing(reader, *filter(None, (live, *intent.creates))),
    )


def _role(reader: Session, live: str | None) -> Role:
    become = reader.rows(_MAY_BECOME, (reader.version >= _SINCE_SET,))
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


def _changed(reader: Session, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """On another server everything out there is other, and nobody has changed it."""
    here = identity.read(reader)
    if here.system_identifier != manifest.identity.system_identifier:
        return ()
    return tuple(cluster.differences(manifest.cluster, reader, manifest.identity))


def _taken(name: str, comment: str, intent: Intent) -> Taken:
    """The mark of :func:`copies.create`; a database that nobody marked is somebody's."""
    return Taken(name, comment.startswith("pgsafe: a copy ") and comment.endswith(intent.manifest.run_id))


def _setting(role: str, text: str) -> Setting:
    name, _equals, value = text.partition("=")
    return Setting(role, name, value)
