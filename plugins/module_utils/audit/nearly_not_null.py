# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guess: columns in which at most one value in a hundred is NULL; perhaps none was meant to be.

https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL"""

from __future__ import annotations

from .finding import INFO
from .rule import DATA, Rule, in_columns

RULE = Rule(
    name="nearly_not_null",
    severity=INFO,
    query=in_columns("NOT a.attnotnull", "%1$I IS NULL", "v.rows > 0 AND v.rows <= s.total / 100"),
    what="The column {0} is nearly NOT NULL; NULLs: {count:,}.",
    remedy="If a value is missing there, fill it in before a migration takes it for granted.",
    scope=DATA,
    per_column=True,
)
