# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a database rests on outside itself: roles, memberships, tablespaces, the other databases. No password.

A restore gives none of it back. At a backup it is noted in the manifest, so that a restore can say what it lacks, and
a rollback what the migration changed out there. https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.pgsafe.migration.plugins.module_utils import catalog, names
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Cluster, Identity

_ROLES = """
SELECT r.rolname, concat_ws(', ',
       CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolinherit THEN 'inherit' END,
       CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolcreatedb THEN 'createdb' END,
       CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolreplication THEN 'replication' END,
       CASE WHEN r.rolbypassrls THEN 'bypassrls' END, concat('connection limit ', r.rolconnlimit),
       'valid until ' || r.rolvaliduntil::text, 'settings ' || array_to_string(r.rolconfig, ' '))
  FROM pg_roles r WHERE r.rolname NOT LIKE 'pg\\_%%'
"""

# Since 16 a membership has an option more and may be granted by several; what the server knows is taken as it is.
_MEMBERSHIPS = """
SELECT pg_get_userbyid(m.member) || ' in ' || pg_get_userbyid(m.roleid),
       string_agg(concat_ws(', ', 'by ' || pg_get_userbyid(m.grantor), CASE WHEN m.admin_option THEN 'admin' END,
                            'inherit ' || (to_jsonb(m) ->> 'inherit_option'), 'set ' || (to_jsonb(m) ->> 'set_option')),
                  '; ' ORDER BY pg_get_userbyid(m.grantor))
  FROM pg_auth_members m WHERE pg_get_userbyid(m.member) NOT LIKE 'pg\\_%%' GROUP BY 1
"""

_TABLESPACES = """
SELECT t.spcname, concat_ws(', ', 'at ' || pg_tablespace_location(t.oid), 'owner ' || pg_get_userbyid(t.spcowner),
       'privileges ' || t.spcacl::text, 'options ' || array_to_string(t.spcoptions, ' '))
  FROM pg_tablespace t WHERE t.spcname NOT LIKE 'pg\\_%%'
"""

# Without the database itself, whatever it is called now, and without those that runs have put beside a database.
_DATABASES = """
SELECT d.datname, concat('OID ', d.oid, ', owner ', pg_get_userbyid(d.datdba))
  FROM pg_database d
 WHERE NOT d.datistemplate AND d.datname <> %s AND d.oid <> %s
   AND COALESCE(shobj_description(d.oid, 'pg_database'), '') NOT LIKE 'pgsafe:%%'
"""

# Owners and grantees, policies' roles too. What an extension brings is made by CREATE EXTENSION and has that role for
# its owner; the bootstrap superuser is in no entry of pg_shdepend.
_NEEDED_ROLES = """
SELECT DISTINCT r.rolname FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
 CROSS JOIN (SELECT oid FROM pg_database WHERE datname = current_database()) AS here
 WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype IN ('o', 'a', 'r')
   AND (d.dbid = here.oid OR d.classid = 'pg_database'::regclass AND d.objid = here.oid)
   AND d.classid <> 'pg_extension'::regclass
   AND (d.deptype <> 'o' OR NOT EXISTS (SELECT FROM pg_depend e
         WHERE e.deptype = 'e' AND e.classid = d.classid AND e.objid = d.objid))
UNION
SELECT pg_get_userbyid(o.owner) FROM (
       SELECT datdba FROM pg_database WHERE datname = current_database()
       UNION SELECT relowner FROM pg_class WHERE oid >= 16384
       UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384
       UNION SELECT proowner FROM pg_proc WHERE oid >= 16384
       UNION SELECT typowner FROM pg_type WHERE oid >= 16384
       UNION SELECT lomowner FROM pg_largeobject_metadata) AS o (owner) WHERE o.owner = 10
ORDER BY 1
"""

_NEEDED_TABLESPACES = """
SELECT t.spcname FROM pg_tablespace t
 WHERE t.spcname NOT LIKE 'pg\\_%%'
   AND (t.oid = (SELECT dattablespace FROM pg_database WHERE datname = current_database())
        OR t.oid IN (SELECT reltablespace FROM pg_class))
 ORDER BY 1
"""


def read(session: Session, identity: Identity) -> Cluster:
    """What the session's database rests on.

    :param identity: of that database.
    :raises QueryFailed: a catalog cannot be read.
    """
    return Cluster(objects=objects(session, identity), needs=needs(session))


def needs(session: Session) -> dict[str, tuple[str, ...]]:
    """The names of roles and tablespaces without which the session's database cannot be restored."""
    needed = {"role": _NEEDED_ROLES, "tablespace": _NEEDED_TABLESPACES}
    return {kind: tuple(name for (name,) in session.rows(query)) for kind, query in needed.items()}


def objects(session: Session, identity: Identity) -> dict[str, dict[str, str]]:
    """By kind and name, from whatever database of the server.

    :param identity: of the database that a backup is of; it is not listed among the others.
    """
    return {
        "role": dict(session.rows(_ROLES)),
        "membership": dict(session.rows(_MEMBERSHIPS)),
        "tablespace": dict(session.rows(_TABLESPACES)),
        "database": dict(session.rows(_DATABASES, (identity.name, identity.oid))),
    }


def differences(before: Cluster, session: Session, identity: Identity) -> Iterator[tuple[str, str]]:
    """What is other than at the backup: the kind, and a readable line."""
    now = objects(session, identity)
    beside = _of_runs({**before.objects.get("database", {}), **now["database"]})
    for kind in now:
        passed_over = beside if kind == "database" else set()
        was, is_now = [
            _as_facts({name: text for name, text in found.items() if name not in passed_over})
            for found in (before.objects.get(kind, {}), now[kind])
        ]
        for line in catalog.differences({kind: was}, {kind: is_now}, exact=True):
            yield kind, line


def _of_runs(databases: Iterable[str]) -> set[str]:
    """Databases that runs have made, and those they are of, which a run beside renames and replaces."""
    made = {name: names.of_a_run(name) for name in databases}
    return {name for name in made if made[name] or name in made.values()}


def _as_facts(definitions: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"definition": definition} for name, definition in definitions.items()}
