# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invalid indexes: left by a CREATE INDEX CONCURRENTLY that failed; they cost writes, serve no query, and vanish
in a restore. https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit.rule import Rule

RULE = Rule(
    name="invalid_indexes",
    severity="warning",
    query="""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1""",
    what="The index {} is invalid.",
    remedy="REINDEX INDEX CONCURRENTLY {}, or drop it.",
)
