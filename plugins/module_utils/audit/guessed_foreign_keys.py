# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guess: columns like order_id beside a table orders, without a foreign key, and with values that it lacks.

https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"""

from __future__ import annotations

from .finding import INFO
from .rule import DATA, ROWS, TABLES, Rule, label

# Where no value at all is found in the other table, the column means something else.
_QUERY = f"""
SELECT pg_catalog.format('%I.%I.%I to %I.%I', n.nspname, c.relname, a.attname, n.nspname, r.relname),
       pg_catalog.format(
           'SELECT pg_catalog.jsonb_build_array(f.%1$I), 1 FROM %2$s AS f WHERE f.%1$I IS NOT NULL
               AND NOT EXISTS (SELECT FROM %3$I.%4$I AS p WHERE p.%5$I = f.%1$I)
               AND EXISTS (SELECT FROM %2$s AS g JOIN %3$I.%4$I AS p ON p.%5$I = g.%1$I)',
           a.attname, {ROWS}, n.nspname, r.relname, p.attname), NULL, ARRAY[{label("c.oid")}, {label("r.oid")}]
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 CROSS JOIN LATERAL (SELECT pg_catalog.substring(a.attname::text, '^(.+)_id$')) AS b (name)
  JOIN pg_catalog.pg_class r ON r.relnamespace = c.relnamespace AND r.oid <> c.oid AND r.relkind IN ('r', 'p')
   AND r.relname::text IN (b.name, b.name || 's', b.name || 'es', pg_catalog.regexp_replace(b.name, 'y$', 'ies'))
  JOIN pg_catalog.pg_index i ON i.indrelid = r.oid AND i.indisprimary AND i.indnkeyatts = 1
  JOIN pg_catalog.pg_attribute p ON p.attrelid = r.oid AND p.attnum = i.indkey[0]
 WHERE {TABLES}
   AND (p.atttypid = a.atttypid OR p.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                               AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                    WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey))
 ORDER BY 1"""

RULE = Rule(
    name="guessed_foreign_keys",
    severity=INFO,
    query=_QUERY,
    what="Judging by its name, {0} is a foreign key without a constraint; values without a match: {count:,}.",
    remedy="If it is meant to be one, fix these rows and add the constraint.",
    scope=DATA,
)
