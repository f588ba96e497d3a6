# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that violate a valid CHECK constraint of their domain: a restore checks every value again, and fails.

https://www.postgresql.org/docs/current/sql-createdomain.html"""

from __future__ import annotations

from .finding import ERROR
from .rule import DATA, KEY, NAME, OF_TABLE, ROWS, TABLES, Rule

# A domain may be over a domain; the constraint calls the value VALUE, and so does the statement.
_QUERY = f"""
WITH RECURSIVE domain (type, constrained, base, modifier) AS (
SELECT t.oid, t.oid, t.typbasetype, t.typtypmod FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
 UNION ALL
SELECT d.type, b.oid, b.typbasetype, b.typtypmod FROM domain d JOIN pg_catalog.pg_type b ON b.oid = d.base
 WHERE b.typtype = 'd')
SELECT {NAME} || pg_catalog.format('.%I constraint %I of its domain', a.attname, k.conname),
       pg_catalog.format('SELECT s.key, 1 FROM (SELECT %s AS key, %I::%s AS value FROM %s) AS s WHERE NOT (%s)',
           {KEY}, a.attname,
           (SELECT pg_catalog.format_type(l.base, l.modifier) FROM domain l JOIN pg_catalog.pg_type b ON b.oid = l.base
             WHERE l.type = d.type AND b.typtype <> 'd'),
           {ROWS}, pg_catalog.pg_get_expr(k.conbin, 0)), NULL, {OF_TABLE}
  FROM domain d JOIN pg_catalog.pg_constraint k ON k.contypid = d.constrained
  JOIN pg_catalog.pg_attribute a ON a.atttypid = d.type AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'c' AND k.convalidated AND {TABLES}
 ORDER BY 1"""

RULE = Rule(
    name="domain_violations",
    severity=ERROR,
    query=_QUERY,
    what="Values that violate {0}: {count:,}.",
    remedy="Fix these values or the domain: as they are, no backup restores.",
    scope=DATA,
    runs_code=True,
)
