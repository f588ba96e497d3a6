# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows that violate a valid CHECK constraint: a restore checks every row again, and fails.

They are left when a function that the constraint calls was changed.
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS"""

from __future__ import annotations

from .finding import ERROR
from .rule import DATA, Rule, check_violations

RULE = Rule(
    name="check_violations",
    severity=ERROR,
    query=check_violations("k.convalidated") + " ORDER BY 1",
    what="Rows that violate {0}: {count:,}.",
    remedy="Fix these rows or the constraint: as they are, no backup restores.",
    scope=DATA,
    runs_code=True,
)
