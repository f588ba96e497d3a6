# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collations in use whose library was upgraded since: the indexes over them may be out of order.

https://www.postgresql.org/docs/current/sql-altercollation.html#SQL-ALTERCOLLATION-NOTES"""

from __future__ import annotations

from .finding import WARNING
from .rule import USERS, Rule

# The columns of tables and of indexes; a server has hundreds of unused collations.
_QUERY = f"""
SELECT pg_catalog.format('%I.%I', s.nspname, o.collname), o.collversion, v.actual
  FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace s ON s.oid = o.collnamespace
 CROSS JOIN LATERAL (SELECT pg_catalog.pg_collation_actual_version(o.oid)) AS v (actual)
 WHERE o.collversion <> v.actual
   AND EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE a.attcollation = o.oid AND NOT a.attisdropped AND {USERS})
 ORDER BY 1"""

RULE = Rule(
    name="collations",
    severity=WARNING,
    query=_QUERY,
    what="The collation {0} was made with version {1} of its library, and the server has {2}.",
    remedy="REINDEX what depends on it, then ALTER COLLATION {0} REFRESH VERSION.",
)
