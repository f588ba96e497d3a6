# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Duplicates: rows that are equal in the key of a unique index; a restore builds the index and fails.

The rows are read without any index, since a corrupt index is how they came in, after an upgrade of the collation
library for instance. https://www.postgresql.org/docs/current/indexes-unique.html"""

from __future__ import annotations

from .finding import ERROR
from .rule import DATA, NAME, OF_TABLE, ROWS, USERS, Rule

# OFFSET 0 keeps the planner from what it knows of the table's keys.
# A key with a NULL equals no other, unless the index is NULLS NOT DISTINCT (since PostgreSQL 15).
_QUERY = f"""
SELECT {NAME} || pg_catalog.format(' index %I', x.relname),
       CASE WHEN NOT i.indisexclusion THEN pg_catalog.format(
           'SELECT pg_catalog.jsonb_build_array(%s), count(*) - 1 FROM (SELECT %s FROM %s%s OFFSET 0) AS s%s
             GROUP BY %s HAVING count(*) > 1',
           e.keys, e.expressions, {ROWS}, ' WHERE ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid),
           CASE WHEN NOT COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
           THEN ' WHERE ' || e.given END, e.keys) END,
       'an exclusion constraint is not looked at', {OF_TABLE}
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT pg_catalog.string_agg(pg_catalog.format('s.k%s', k.place), ', ' ORDER BY k.place),
              pg_catalog.string_agg(pg_catalog.format('(%s)%s AS k%s',
                  pg_catalog.pg_get_indexdef(i.indexrelid, k.place, false),
                  ' COLLATE ' || pg_catalog.quote_ident(m.nspname) || '.' || pg_catalog.quote_ident(o.collname),
                  k.place), ', ' ORDER BY k.place),
              pg_catalog.string_agg(pg_catalog.format('s.k%s IS NOT NULL', k.place), ' AND ' ORDER BY k.place)
         FROM pg_catalog.generate_series(1, i.indnkeyatts::integer) AS k (place)
         LEFT JOIN pg_catalog.pg_collation o ON o.oid = i.indcollation[k.place - 1]
         LEFT JOIN pg_catalog.pg_namespace m ON m.oid = o.collnamespace) AS e (keys, expressions, given)
 WHERE (i.indisunique OR i.indisexclusion) AND i.indisvalid AND NOT x.relispartition AND c.relkind IN ('r', 'p')
   AND {USERS}
 ORDER BY 1"""

RULE = Rule(
    name="duplicates",
    severity=ERROR,
    query=_QUERY,
    what="Duplicates under {0}: {count:,}.",
    remedy="Delete or fix all but one row of each key, then REINDEX: as they are, no backup restores.",
    scope=DATA,
    runs_code=True,
)
