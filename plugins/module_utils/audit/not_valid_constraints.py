# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constraints that were added NOT VALID and never validated: old rows may violate them.
https://www.postgresql.org/docs/current/sql-altertable.html"""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.audit.rule import Rule

RULE = Rule(
    name="not_valid_constraints",
    severity="warning",
    query="""
SELECT pg_catalog.format('%I.%I constraint %I', n.nspname, c.relname, k.conname)
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT k.convalidated AND k.contype IN ('c', 'f', 'n') ORDER BY 1""",
    what="{} is NOT VALID: rows from before it was added are not checked.",
    remedy="Find the rows that violate it, then ALTER TABLE … VALIDATE CONSTRAINT.",
)
