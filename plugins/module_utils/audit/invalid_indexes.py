# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invalid and unready indexes: they cost writes, serve no query, and vanish in a restore.

Left by a CREATE INDEX CONCURRENTLY that failed; a partitioned table's is invalid until every partition has its own.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"""

from __future__ import annotations

from .finding import WARNING
from .rule import USERS, Rule

_QUERY = f"""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
       CASE WHEN i.indisready THEN 'invalid' ELSE 'unready: it does not even get new rows' END,
       CASE c.relkind WHEN 'I' THEN 'Attach an index of every partition to it, or drop it.'
            ELSE pg_catalog.format('REINDEX INDEX CONCURRENTLY %I.%I, or drop it.', n.nspname, c.relname) END
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND {USERS}
 ORDER BY 1"""

RULE = Rule(
    name="invalid_indexes",
    severity=WARNING,
    query=_QUERY,
    what="The index {0} is {1}.",
    remedy="{2}",
)
