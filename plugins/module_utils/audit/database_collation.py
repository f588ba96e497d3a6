# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database whose collation library was upgraded since: its indexes over text may be out of order.

https://www.postgresql.org/docs/current/sql-altercollation.html#SQL-ALTERCOLLATION-NOTES"""

from __future__ import annotations

from .finding import WARNING
from .rule import Rule

RULE = Rule(
    name="database_collation",
    severity=WARNING,
    query="""
SELECT pg_catalog.quote_ident(d.datname), d.datcollversion, v.actual
  FROM pg_catalog.pg_database d
 CROSS JOIN LATERAL (SELECT pg_catalog.pg_database_collation_actual_version(d.oid)) AS v (actual)
 WHERE d.datname = pg_catalog.current_database() AND d.datcollversion <> v.actual""",
    what="The database {0} was made with version {1} of its collation, and the server has {2}.",
    remedy="REINDEX DATABASE {0}, then ALTER DATABASE {0} REFRESH COLLATION VERSION.",
    since=150000,
)
