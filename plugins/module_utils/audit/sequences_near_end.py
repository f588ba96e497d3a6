# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sequences near their end: they have issued four fifths of the numbers that they, or their column, can hold.

https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-SERIAL"""

from __future__ import annotations

from .finding import WARNING
from .rule import DATA, OF_NONE, TABLES, Rule
from .sequences_behind import COLUMNS

# The sequence itself is read, not pg_sequences, which takes a stronger lock than reading does.
_QUERY = f"""
SELECT pg_catalog.format('%I.%I of %I.%I.%I', m.nspname, q.relname, n.nspname, c.relname, a.attname),
       pg_catalog.format('SELECT pg_catalog.jsonb_build_array(last_value), 1 FROM %I.%I
                           WHERE pg_catalog.abs(last_value::numeric - %s) >= 0.8 * pg_catalog.abs(%s::numeric - %s)',
           m.nspname, q.relname, e.first, e.last, e.first), NULL, {OF_NONE}
  FROM {COLUMNS}
 CROSS JOIN LATERAL (SELECT 2::numeric ^ (8 * a.attlen - 1) - 1) AS l (most)
 CROSS JOIN LATERAL (SELECT CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE LEAST(s.seqmax, l.most) END,
                            CASE WHEN s.seqincrement > 0 THEN LEAST(s.seqmax, l.most)
                                 ELSE GREATEST(s.seqmin, -l.most) END) AS e (first, last)
 WHERE {TABLES}
 ORDER BY 1"""

RULE = Rule(
    name="sequences_near_end",
    severity=WARNING,
    query=_QUERY,
    what="The sequence {0} has issued four fifths of its numbers, or more.",
    remedy="Make the column and its sequence bigint, or the sequence's range wider, before they end.",
    scope=DATA,
)
