# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows that violate a constraint that is NOT VALID: a backup restores, but the constraint cannot be validated.

Foreign keys and CHECK constraints, and from PostgreSQL 18 on NOT NULL.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT"""

from __future__ import annotations

from .finding import WARNING
from .rule import DATA, Rule, check_violations, null_violations, orphans

_KINDS = (orphans, check_violations, null_violations)

RULE = Rule(
    name="not_valid_rows",
    severity=WARNING,
    query=" UNION ALL ".join(kind("NOT k.convalidated") for kind in _KINDS) + " ORDER BY 1",
    what="Rows that violate {0}, which is not valid: {count:,}.",
    remedy="Fix these rows before the constraint is validated.",
    scope=DATA,
    runs_code=True,
)
