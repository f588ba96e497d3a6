# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code of a database that reading or restoring it executes with the rights of the role that connects.

A CHECK constraint, a domain, a generated column and a partition key call their functions as the current role: a restore
evaluates them for every row, and so does the audit. Neither SET ROLE nor SET SESSION AUTHORIZATION contains such a
function, since it may reset them. Materialized views and foreign keys run as the owner of the table, in a
security-restricted operation: https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html#NOTES
So does an index that is built. But the planner of any query that reads the table evaluates what is constant in the
expressions and predicates of indexes, statistics objects and partition keys, as the role that reads
(RelationGetIndexExpressions in src/backend/utils/cache/relcache.c).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Refused
from ..model import OwnerCode
from ..ports.database import Session
from ..text import first_few

# Superusers can do everything anyway, and the connecting role is trusted by itself.
_FOREIGN = """
SELECT p.oid, pg_catalog.format('%I.%I', n.nspname, p.proname), r.rolname
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
 WHERE NOT r.rolsuper AND r.rolname <> SESSION_USER
"""

# An extension's functions come before all tables, and its functions do not know them.
_OWN = """
SELECT p.oid, pg_catalog.format('%I.%I', n.nspname, p.proname), pg_catalog.pg_get_userbyid(p.proowner)
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname <> 'pg_catalog'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                                                       AND d.objid = p.oid AND d.deptype = 'e')
"""

# What calls a function, by itself or by an operator.
_CALLS = """
SELECT d.classid, d.objid, d.objsubid, COALESCE(o.oprcode::pg_catalog.oid, d.refobjid)
  FROM pg_catalog.pg_depend d
  LEFT JOIN pg_catalog.pg_operator o
         ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid
 WHERE d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
"""

_IN_CONSTRAINTS = """
EXISTS (SELECT FROM pg_catalog.pg_constraint k
         WHERE c.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = c.objid AND k.contype = 'c')
"""
_IN_GENERATED_COLUMNS = """
EXISTS (SELECT FROM pg_catalog.pg_attrdef e
          JOIN pg_catalog.pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
         WHERE c.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND e.oid = c.objid AND a.attgenerated <> '')
"""
_IN_PARTITION_KEYS = """
EXISTS (SELECT FROM pg_catalog.pg_class t WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                            AND t.oid = c.objid AND c.objsubid = 0 AND t.relkind = 'p')
"""
_IN_INDEXES = """
EXISTS (SELECT FROM pg_catalog.pg_class t WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                            AND t.oid = c.objid AND t.relkind IN ('i', 'I'))
"""
_IN_STATISTICS = "c.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass"

# No setting of a session switches these off before 17; see :mod:`login_triggers`.
_IN_EVENT_TRIGGERS = """
EXISTS (SELECT FROM pg_catalog.pg_event_trigger e
         WHERE c.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND e.oid = c.objid
           AND e.evtenabled = 'A' AND pg_catalog.current_setting('server_version_num')::int < 170000)
"""

_LOADED = (_IN_CONSTRAINTS, _IN_GENERATED_COLUMNS, _IN_PARTITION_KEYS)
_PLANNED = (_IN_PARTITION_KEYS, _IN_INDEXES, _IN_STATISTICS)

_FOUND = f"""
WITH code (oid, name, owner) AS ({{code}}), calls (classid, objid, objsubid, function) AS ({_CALLS})
SELECT DISTINCT f.name, f.owner, pg_catalog.pg_describe_object(c.classid, c.objid, c.objsubid)
  FROM calls c JOIN code f ON f.oid = c.function
 WHERE {{places}}
 ORDER BY 1, 3
"""


def found(reader: Session) -> tuple[OwnerCode, ...]:
    """What a backup, a restore or an audit of the session's database would run, unless the owner is trusted."""
    return _untrusted(reader, (*_LOADED, *_PLANNED, _IN_EVENT_TRIGGERS))


def planned(reader: Session) -> tuple[OwnerCode, ...]:
    """What any query that reads a table of the session's database would run, unless the owner is trusted."""
    return _untrusted(reader, _PLANNED)


def require_readable(reader: Session) -> None:
    """
    :raises Refused: reading the tables would run functions of other roles.
    """
    code = planned(reader)
    if code:
        raise Refused(
            f"Reading the tables of {reader.target.dbname} would run functions of other roles with the rights of this "
            f"one: {first_few([it.described for it in code])}.",
            remedy="Read these functions, or connect as their owner. If the owners may do what this role may: "
            "trust_owner: true",
        )


def evaluated(reader: Session) -> tuple[OwnerCode, ...]:
    """Every function of the database that a restore runs while it loads rows: it may read a table that comes later."""
    return _rows(reader, _OWN, _LOADED)


def _untrusted(reader: Session, places: Sequence[str]) -> tuple[OwnerCode, ...]:
    return () if reader.target.trust_owner else _rows(reader, _FOREIGN, places)


def _rows(reader: Session, code: str, places: Sequence[str]) -> tuple[OwnerCode, ...]:
    return tuple(OwnerCode(*row) for row in reader.rows(_FOUND.format(code=code, places=" OR ".join(places))))
