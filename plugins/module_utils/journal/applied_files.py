# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record, in the database itself, of the migration sets that were applied and verified there.

The owner of a database can put anything into a schema of that name. So the table is used only when it is exactly the
one made here, and belongs to the role that connects, or to a superuser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.model import RECORD_SCHEMA
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import Session, identifier, statement

_TABLE = f"{RECORD_SCHEMA}.migration_set"

_CREATE = f"""
CREATE TABLE {_TABLE} (
    digest pg_catalog.text PRIMARY KEY, run_id pg_catalog.text NOT NULL, files pg_catalog.jsonb NOT NULL,
    applied_at pg_catalog.timestamptz NOT NULL, verified_at pg_catalog.timestamptz)
"""

_SCHEMA_EXISTS = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s)"

# Only the catalogs are read until the table is known to run nothing: no view, trigger, rule, policy, default, generated
# column, CHECK, foreign key, index expression, user-defined type, or table that inherits.
_FORM = """
SELECT c.oid, pg_catalog.pg_get_userbyid(c.relowner),
       (r.rolsuper OR r.rolname IN (SESSION_USER, CURRENT_USER)) AS trusted,
       c.relkind = 'r' AND c.relpersistence = 'p' AND NOT c.relhasrules AND NOT c.relhassubclass
       AND NOT c.relrowsecurity AND NOT c.relispartition
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef d WHERE d.adrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n'))
       AND ARRAY(SELECT x.indisprimary AND x.indexprs IS NULL AND x.indpred IS NULL
                   FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid) = ARRAY[true]
       AND ARRAY(SELECT a.attname::pg_catalog.text || ' ' || a.atttypid::pg_catalog.text
                   FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname)
           = ARRAY['applied_at 1184', 'digest 25', 'files 3802', 'run_id 25', 'verified_at 1184'] AS plain,
       ARRAY(SELECT DISTINCT COALESCE(pg_catalog.pg_get_userbyid(NULLIF(g.grantee, 0))::pg_catalog.text, 'PUBLIC')
               FROM pg_catalog.aclexplode(c.relacl) AS g
              WHERE g.grantee <> c.relowner AND g.privilege_type <> 'SELECT') AS writers
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
 WHERE n.nspname = %s AND c.relname = 'migration_set'
"""

_VERIFIED = f"SELECT EXISTS (SELECT FROM {_TABLE} WHERE digest = %s AND verified_at IS NOT NULL)"
_FILES = f"""
SELECT f.key, f.value, m.run_id FROM {_TABLE} AS m CROSS JOIN LATERAL pg_catalog.jsonb_each_text(m.files) AS f
 WHERE m.verified_at IS NOT NULL ORDER BY m.applied_at, m.run_id, f.key
"""
_INSERT = f"""
INSERT INTO {_TABLE} (digest, run_id, files, applied_at) VALUES (%s, %s, %s, pg_catalog.now()) ON CONFLICT (digest)
DO UPDATE SET run_id = excluded.run_id, files = excluded.files, applied_at = excluded.applied_at, verified_at = NULL
"""
_SET_VERIFIED = f"UPDATE {_TABLE} SET verified_at = pg_catalog.now() WHERE digest = %s"


@dataclass(frozen=True)
class AppliedFile:
    """A file of a set that was applied and verified.

    :param sha256: of its content, hexadecimal.
    :param run_id: of the run that applied it.
    """

    name: str
    sha256: str
    run_id: str


def applied(session: Session, digest: str) -> bool:
    """Whether a set of this digest was applied to the session's database and passed its verification.

    :raises Refused: the record is not the table that is made here.
    """
    return _exists(session) and bool(session.value(_VERIFIED, (digest,)))


def files(session: Session) -> list[AppliedFile]:
    """The files of all sets that were applied and verified, in their order.

    :raises Refused: the record is not the table that is made here.
    """
    return [AppliedFile(*row) for row in session.rows(_FILES)] if _exists(session) else []


def write(session: Session, digest: str, run_id: str, sums: Mapping[str, str]) -> None:
    """Record a set as applied, and not verified yet.

    :param session: one in which no event trigger fires, such as one that forbids schemas: :mod:`login_triggers`.
    :param sums: the SHA-256 of each file by name.
    :raises Refused: the record is not the table that is made here.
    """
    with session.transaction():
        if not _exists(session):
            _create(session)
        session.execute(_INSERT, (digest, run_id, json.dumps(dict(sums), sort_keys=True)))


def mark_verified(session: Session, digest: str) -> None:
    """
    :raises Refused: the record is not the table that is made here.
    """
    if _exists(session):
        session.execute(_SET_VERIFIED, (digest,))


def _create(session: Session) -> None:
    if not session.value(_SCHEMA_EXISTS, (RECORD_SCHEMA,)):
        session.execute(f"CREATE SCHEMA {RECORD_SCHEMA}")
    session.execute(_CREATE)
    # Default privileges of the role may have granted more than the owner's.
    for grantee in session.row(_FORM, (RECORD_SCHEMA,))[4]:
        role = statement("PUBLIC") if grantee == "PUBLIC" else identifier(grantee)
        session.execute(statement(f"REVOKE ALL ON TABLE {_TABLE} FROM {{role}}", role=role))
    _exists(session)


def _exists(session: Session) -> bool:
    """
    :raises Refused: there is something of the record's name that must not be used.
    """
    found = session.rows(_FORM, (RECORD_SCHEMA,))
    for _oid, owner, trusted, plain, writers in found:
        wrong = ", ".join(_wrong(owner, trusted, plain, writers))
        if wrong:
            raise Refused(
                f"{_TABLE} in {session.target.dbname}, where applied migrations are recorded, cannot be trusted: "
                f"{wrong}.",
                remedy=f"Look at it (\\d+ {_TABLE}), find out who made it, and rename or drop it. Without it every set "
                "counts as not applied, so name those that are still to be applied.",
            )
    return bool(found)


def _wrong(owner: str, trusted: bool, plain: bool, writers: list[str]) -> Iterator[str]:
    if not trusted:
        yield f"it belongs to {owner}"
    if not plain:
        yield "it is not the plain table that this collection makes"
    if writers:
        yield f"it can be written by {', '.join(writers)}"
