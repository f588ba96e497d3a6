# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sequences that are behind their column: the next number that they issue is in the column already.

Left by rows that were inserted with numbers of their own.
https://www.postgresql.org/docs/current/functions-sequence.html"""

from __future__ import annotations

from .finding import WARNING
from .rule import DATA, OF_NONE, TABLES, Rule

# A column's sequence: owned by it, or in its default; of integers, and not one that begins anew at its end.
COLUMNS = """
(SELECT d.objid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION
 SELECT d.refobjid, f.adrelid, f.adnum FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
  WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.deptype = 'n') AS u (sequence, relation, attnum)
  JOIN pg_catalog.pg_sequence s ON s.seqrelid = u.sequence AND NOT s.seqcycle
  JOIN pg_catalog.pg_class q ON q.oid = u.sequence JOIN pg_catalog.pg_namespace m ON m.oid = q.relnamespace
  JOIN pg_catalog.pg_class c ON c.oid = u.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.attnum
   AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)"""

_QUERY = f"""
SELECT pg_catalog.format('%I.%I of %I.%I.%I', m.nspname, q.relname, n.nspname, c.relname, a.attname),
       pg_catalog.format(
           'SELECT pg_catalog.jsonb_build_array(t.value), 1
              FROM (SELECT %s(%I)::numeric FROM %I.%I) AS t (value), %I.%I AS q
             WHERE q.last_value::numeric + CASE WHEN q.is_called THEN %s ELSE 0 END %s t.value',
           CASE WHEN s.seqincrement > 0 THEN 'max' ELSE 'min' END, a.attname, n.nspname, c.relname,
           m.nspname, q.relname, s.seqincrement, CASE WHEN s.seqincrement > 0 THEN '<=' ELSE '>=' END), NULL, {OF_NONE}
  FROM {COLUMNS}
 WHERE {TABLES}
 ORDER BY 1"""

RULE = Rule(
    name="sequences_behind",
    severity=WARNING,
    query=_QUERY,
    what="The sequence {0} is behind.",
    remedy="Advance it by setval() to the highest number of the column.",
    scope=DATA,
    by_index=True,
)
