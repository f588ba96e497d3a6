# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Orphans: rows whose foreign key, though it is valid, refers to no row; a restore adds the key and fails.

They come in while triggers are disabled or session_replication_role is replica.
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"""

from __future__ import annotations

from .finding import ERROR
from .rule import DATA, Rule, orphans

RULE = Rule(
    name="orphans",
    severity=ERROR,
    query=orphans("k.convalidated") + " ORDER BY 1",
    what="Orphans under {0}: {count:,}.",
    remedy="Delete these rows, fix their key, or add the rows that they refer to: as they are, no backup restores.",
    scope=DATA,
)
