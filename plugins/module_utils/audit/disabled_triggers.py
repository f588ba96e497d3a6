# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disabled triggers: they do not fire; disabled triggers of a foreign key allow orphans.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER"""

from __future__ import annotations

from .finding import WARNING
from .rule import USERS, Rule

# The triggers of a foreign key are named by OIDs; a partition's are covered by its parent's.
_QUERY = f"""
SELECT DISTINCT pg_catalog.format(CASE WHEN t.tgisinternal THEN '%I.%I constraint %I' ELSE '%I.%I trigger %I' END,
           n.nspname, c.relname, CASE WHEN t.tgisinternal THEN k.conname ELSE t.tgname END),
       pg_catalog.format('%I.%I', n.nspname, c.relname),
       CASE WHEN t.tgisinternal THEN 'ALL' ELSE pg_catalog.quote_ident(t.tgname) END
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
 WHERE t.tgenabled = 'D' AND {USERS}
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger p WHERE p.oid = t.tgparentid AND p.tgenabled = 'D')
 ORDER BY 1"""

RULE = Rule(
    name="disabled_triggers",
    severity=WARNING,
    query=_QUERY,
    what="The triggers of {0} are disabled.",
    remedy="ALTER TABLE {1} ENABLE TRIGGER {2}, when the rows written meanwhile are as they should be.",
)
