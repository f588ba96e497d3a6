# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lies outside a database: roles, memberships, tablespaces, other databases, settings of the server. No password.

A restore gives none of it back. At a backup it is noted in the manifest, so that a restore can say what it lacks, and
a rollback what the migration changed out there. https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .. import names
from ..model import Cluster, Identity
from ..ports.database import Session
from .catalog import facts as catalog

Objects = Mapping[str, Mapping[str, str]]

# Settings with a dot are extensions' and applications', and often secrets: 16 bits of a hash tell that one was changed.
_SAID = """CASE WHEN split_part(c.setting, '=', 1) NOT LIKE '%%.%%' THEN c.setting
            ELSE concat(split_part(c.setting, '=', 1), '=#', hashtextextended(c.setting COLLATE "C", 0) & 65535) END"""

_ROLES = f"""
SELECT r.rolname, concat_ws(', ',
       CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolinherit THEN 'inherit' END,
       CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolcreatedb THEN 'createdb' END,
       CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolreplication THEN 'replication' END,
       CASE WHEN r.rolbypassrls THEN 'bypassrls' END, concat('connection limit ', r.rolconnlimit),
       'valid until ' || r.rolvaliduntil::text,
       'settings ' || (SELECT string_agg({_SAID}, ' ') FROM unnest(r.rolconfig) AS c (setting)))
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

# Without the database itself, whatever it is called now. A database that carries a run's mark is fenced, or was put
# beside one; its properties are the run's while it does.
_IN_A_RUN = "a run works on it"
_DATABASES = f"""
SELECT d.datname, CASE WHEN COALESCE(shobj_description(d.oid, 'pg_database'), '') LIKE 'pgsafe:%%' THEN '{_IN_A_RUN}'
       ELSE concat_ws(', ', concat('OID ', d.oid), 'owner ' || pg_get_userbyid(d.datdba),
       CASE WHEN d.datistemplate THEN 'template' END, CASE WHEN NOT d.datallowconn THEN 'closed' END,
       concat('connection limit ', d.datconnlimit), 'privileges ' || d.datacl::text,
       'settings ' || (SELECT string_agg(concat_ws(' of ', {_SAID}, r.rolname), ' ' ORDER BY r.rolname, c.setting)
                         FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
                        CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting) WHERE s.setdatabase = d.oid)) END
  FROM pg_database d WHERE d.datname <> %s AND d.oid <> %s
"""

_SETTINGS_OF_ALL_ROLES = f"""
SELECT split_part(c.setting, '=', 1), {_SAID}
  FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
 WHERE s.setdatabase = 0 AND s.setrole = 0
"""

# What ALTER SYSTEM has set. Commands and connection strings, and settings of extensions, may hold a secret.
_OF_ALTER_SYSTEM = """
SELECT f.name, CASE WHEN f.name LIKE ANY ('{%%.%%,%%command%%,%%conninfo%%}') THEN 'set' ELSE f.setting END
  FROM pg_show_all_file_settings() f
 WHERE f.sourcefile LIKE '%%/postgresql.auto.conf' AND f.name IS NOT NULL ORDER BY f.seqno
"""
_MAY_SEE_SETTINGS = "SELECT has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')"

# When it was written says that a setting was changed whose value is not listed.
_SETTINGS_FILE = """
SELECT 'postgresql.auto.conf', f.modification::text FROM pg_stat_file('postgresql.auto.conf', true) f
 WHERE f.modification IS NOT NULL
"""
_MAY_SEE_FILE = "SELECT has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE')"

# Every change of a role writes a new row version; the password itself is never read.
_ROLE_VERSIONS = "SELECT rolname, xmin::text FROM pg_authid WHERE rolname NOT LIKE 'pg\\_%%'"
_MAY_SEE_VERSIONS = "SELECT has_table_privilege('pg_authid', 'SELECT')"

# Kinds that take a right to be read, and are compared only where both looks had it: the right, and the query.
_ROLE_VERSION, _SETTING, _FILE_VERSION = "role version", "server setting", "settings file"
_PRIVILEGED = {
    _SETTING: (_MAY_SEE_SETTINGS, _OF_ALTER_SYSTEM),
    _FILE_VERSION: (_MAY_SEE_FILE, _SETTINGS_FILE),
    _ROLE_VERSION: (_MAY_SEE_VERSIONS, _ROLE_VERSIONS),
}

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
    """By kind and name, from any database of the server.

    :param identity: of the database that a backup is of; it is not listed among the others.
    """
    return {
        "role": _without_fences(session.rows(_ROLES)),
        "membership": _without_fences(session.rows(_MEMBERSHIPS)),
        "tablespace": dict(session.rows(_TABLESPACES)),
        "database": dict(session.rows(_DATABASES, (identity.name, identity.oid))),
        "setting of all roles": dict(session.rows(_SETTINGS_OF_ALL_ROLES)),
        **_privileged(session),
    }


def _without_fences(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Without the role that the fence `connect` of a run makes and drops."""
    return {name: definition for name, definition in rows if not names.is_role_of_a_run(name.partition(" in ")[0])}


def _privileged(session: Session) -> dict[str, dict[str, str]]:
    """What not every role may read; a kind is missing where this one may not."""
    readable = {kind: query for kind, (right, query) in _PRIVILEGED.items() if session.value(right)}
    return {kind: _without_fences(session.rows(query)) for kind, query in readable.items()}


def differences(before: Cluster, session: Session, identity: Identity) -> Iterator[tuple[str, str]]:
    """What is other than at the backup: the kind, and a readable line."""
    was, now = before.objects, objects(session, identity)
    passed_over = _of_runs(was.get("database", {}), now["database"])
    for kind in [kind for kind in now if kind in was and kind not in (_ROLE_VERSION, _FILE_VERSION)]:
        pair = [_as_facts(found[kind], passed_over if kind == "database" else frozenset()) for found in (was, now)]
        for line in catalog.differences({kind: pair[0]}, {kind: pair[1]}, exact=True):
            yield kind, line
    yield from _rewritten(was, now)


def _rewritten(was: Objects, now: Objects) -> Iterator[tuple[str, str]]:
    """What was written anew and is as before in all that is listed."""
    for name in _unlike(was, now, _ROLE_VERSION):
        if was["role"].get(name) == now["role"].get(name):
            yield "role", f"role {name} was altered in a property that is not listed, such as its password"
    if was.get(_SETTING) == now.get(_SETTING):
        for name in _unlike(was, now, _FILE_VERSION):
            yield _SETTING, f"{name} was written by ALTER SYSTEM; what it changed is not listed"


def _unlike(was: Objects, now: Objects, kind: str) -> list[str]:
    """Those that are in both and differ."""
    old, new = was.get(kind, {}), now.get(kind, {})
    return sorted(name for name in set(old) & set(new) if old[name] != new[name])


def _of_runs(was: Mapping[str, str], now: Mapping[str, str]) -> frozenset[str]:
    """Databases that runs have made, and those they are of, which a run beside fences, renames and replaces."""
    made = {name: names.of_a_run(name) for name in (*was, *now)}
    marked = {name for found in (was, now) for name, definition in found.items() if definition == _IN_A_RUN}
    return frozenset({name for name in made if made[name] or name in made.values()} | marked)


def _as_facts(definitions: Mapping[str, str], passed_over: frozenset[str]) -> dict[str, dict[str, str]]:
    return {name: {"definition": text} for name, text in definitions.items() if name not in passed_over}
