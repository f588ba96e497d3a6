# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constraints that were added NOT VALID and never validated, or are not enforced: old rows may violate them.

https://www.postgresql.org/docs/current/sql-altertable.html"""

from __future__ import annotations

from .finding import WARNING
from .rule import CONSTRAINT, USERS, Rule

# Without its partitions' ones; a constraint may be NOT ENFORCED since PostgreSQL 18.
_QUERY = f"""
SELECT {CONSTRAINT},
       CASE WHEN e.enforced THEN 'NOT VALID: rows from before it was added are not checked'
            ELSE 'NOT ENFORCED: no row is checked' END,
       CASE WHEN e.enforced THEN 'Find the rows that violate it, then ALTER TABLE ... VALIDATE CONSTRAINT.'
            ELSE 'Drop it, or have it enforced.' END
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true)) AS e (enforced)
 WHERE NOT k.convalidated AND k.contype IN ('c', 'f', 'n') AND k.conparentid = 0
   AND NOT (c.relispartition AND k.coninhcount > 0) AND {USERS}
 ORDER BY 1"""

RULE = Rule(
    name="not_valid_constraints",
    severity=WARNING,
    query=_QUERY,
    what="{0} is {1}.",
    remedy="{2}",
)
