# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables without a primary key: their rows cannot be identified, sampled by key, or replicated logically.

https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS"""

from __future__ import annotations

from .finding import INFO
from .rule import NAME, TABLES, Rule

RULE = Rule(
    name="no_primary_key",
    severity=INFO,
    query=f"""
SELECT {NAME} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE {TABLES}
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
 ORDER BY 1""",
    what="The table {0} has no primary key.",
    remedy="Add one, or make sure that no program has to identify single rows.",
)
