# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rule of the audit is, and the SQL that rules share.

A rule's query reads the catalogs. For a rule of scope ``catalog`` each of its rows is an offending object. For one of
scope ``data`` each row is an object to look at, with the statement that looks and the tables that it reads; the server
writes that statement, so that it quotes its own names. Catalogs: https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import RECORD_SCHEMA

CATALOG, DATA = "catalog", "data"


@dataclass(frozen=True)
class Rule:
    """:param name: that of the rule's file.
    :param severity: ``error`` for what makes a backup unrestorable, else ``warning``, or ``info`` for a guess.
    :param query: of scope ``catalog``: the object's name, and further values for the sentences. Of scope ``data``: the
        object's name, a statement or NULL, the reason why it cannot be looked at or NULL, and the labels of the tables
        whose rows are read, none where that takes no time.
    :param what: a sentence with ``{0}`` for the name, and ``{count}``.
    :param remedy: likewise.
    :param per_column: the statement gives names and counts; else the JSON key of each offending row, and how many
        offend by it.
    :param by_index: whether the statement may trust indexes.
    :param runs_code: whether the statement calls functions of the database: of constraints, domains or indexes.
    :param since: the first ``server_version_num`` that knows what the query asks for.
    """

    name: str
    severity: str
    query: str
    what: str
    remedy: str
    scope: str = CATALOG
    per_column: bool = False
    by_index: bool = False
    runs_code: bool = False
    since: int = 0


# Of a relation c in a schema n: it is the user's, neither an extension's nor our own record.
USERS = f"""n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', '{RECORD_SCHEMA}')
   AND c.relpersistence <> 't'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                                                        AND d.objid = c.oid AND d.deptype = 'e')"""

# A table whose rows are looked at by itself: partitions are looked at through the table that they are partitions of.
TABLES = f"c.relkind IN ('r', 'p') AND NOT c.relispartition AND {USERS}"

NAME = "pg_catalog.format('%I.%I', n.nspname, c.relname)"
CONSTRAINT = "pg_catalog.format('%I.%I constraint %I', n.nspname, c.relname, k.conname)"


def label(oid: str) -> str:
    """Of a table, or of the one that it is a partition of."""
    return f"""(SELECT pg_catalog.concat(y.nspname, '.', x.relname)
   FROM pg_catalog.pg_class x JOIN pg_catalog.pg_namespace y ON y.oid = x.relnamespace
  WHERE x.oid = COALESCE(pg_catalog.pg_partition_root({oid})::oid, {oid}))"""


# The tables that a statement reads: c alone, or none.
OF_TABLE = f"ARRAY[{label('c.oid')}]"
OF_NONE = "NULL::text[]"

# How the rows of c are read: its own ones, or those of all its partitions.
ROWS = f"CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || {NAME}"

# The primary key of a row of c, or its place in a table that has none.
KEY = """COALESCE((SELECT 'pg_catalog.jsonb_build_array('
                       || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) || ')'
                 FROM pg_catalog.pg_index i
                CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                WHERE i.indrelid = c.oid AND i.indisprimary AND u.place <= i.indnkeyatts),
               'pg_catalog.jsonb_build_object(''ctid'', ctid::text)')"""

_RELATION = """FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"""


def orphans(condition: str) -> str:
    """Rows without the row that their foreign key refers to, as ADD CONSTRAINT looks for them.

    A key with a NULL is looked at only where it is MATCH FULL:
    https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARMS-REFERENCES

    :param condition: on the constraint k.
    """
    return f"""
SELECT {CONSTRAINT},
       CASE WHEN NOT COALESCE((pg_catalog.to_jsonb(k) ->> 'conperiod')::boolean, false) THEN pg_catalog.format(
           'SELECT pg_catalog.jsonb_build_array(%s), 1 FROM %s AS f WHERE (%s)
               AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)',
           u.columns, {ROWS}, u.given,
           CASE r.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || pg_catalog.format('%I.%I', s.nspname, r.relname),
           u.equal) END,
       'a foreign key with PERIOD is not looked at', ARRAY[{label("k.conrelid")}, {label("k.confrelid")}]
  {_RELATION}
  JOIN pg_catalog.pg_class r ON r.oid = k.confrelid JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace
 CROSS JOIN LATERAL (
       SELECT pg_catalog.string_agg(pg_catalog.format('f.%I', f.attname), ', ' ORDER BY o.place),
              pg_catalog.string_agg(pg_catalog.format('f.%I IS NOT NULL', f.attname),
                                    CASE k.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END ORDER BY o.place),
              pg_catalog.string_agg(pg_catalog.format('p.%I OPERATOR(%I.%s) f.%I%s', p.attname, m.nspname, e.oprname,
                                        f.attname, CASE WHEN p.attcollation NOT IN (0, f.attcollation)
                                                   THEN pg_catalog.format(' COLLATE %I.%I', cn.nspname, co.collname)
                                                   END), ' AND ' ORDER BY o.place)
         FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
              WITH ORDINALITY AS o (f, p, operator, place)
         JOIN pg_catalog.pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = o.f
         JOIN pg_catalog.pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = o.p
         JOIN pg_catalog.pg_operator e ON e.oid = o.operator
         JOIN pg_catalog.pg_namespace m ON m.oid = e.oprnamespace
         LEFT JOIN pg_catalog.pg_collation co ON co.oid = p.attcollation
         LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace) AS u (columns, given, equal)
 WHERE k.contype = 'f' AND k.conparentid = 0 AND {condition} AND {USERS}"""


def check_violations(condition: str) -> str:
    """Rows that a CHECK constraint of their table is false for. A partition's inherited one is its parent's.

    :param condition: on the constraint k.
    """
    return f"""
SELECT {CONSTRAINT},
       pg_catalog.format('SELECT %s, 1 FROM %s WHERE NOT (%s)', {KEY}, {ROWS},
                         pg_catalog.pg_get_expr(k.conbin, k.conrelid)), NULL, {OF_TABLE}
  {_RELATION}
 WHERE k.contype = 'c' AND c.relkind IN ('r', 'p') AND NOT (c.relispartition AND k.coninhcount > 0)
   AND {condition} AND {USERS}"""


def null_violations(condition: str) -> str:
    """NULLs in the column of a NOT NULL constraint, which may be NOT VALID since PostgreSQL 18.

    :param condition: on the constraint k.
    """
    return f"""
SELECT {CONSTRAINT},
       pg_catalog.format('SELECT %s, 1 FROM %s WHERE %I IS NULL', {KEY}, {ROWS}, a.attname), NULL, {OF_TABLE}
  {_RELATION}
  JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE k.contype = 'n' AND NOT (c.relispartition AND k.coninhcount > 0) AND {condition} AND {USERS}"""


def in_columns(columns: str, offends: str, kept: str = "v.rows > 0") -> str:
    """How many rows of each column offend, by one pass over each table.

    A virtual column is left out: to read it is to run its expression.

    :param columns: the condition on a column a of a type t in a table c.
    :param offends: a condition on a row, with ``%1$I`` for the column.
    :param kept: the condition under which a column with v.rows such rows out of s.total is reported.
    """
    return f"""
SELECT {NAME}, pg_catalog.format(
           'SELECT v.subject, v.rows FROM (SELECT count(*) AS total, %s FROM %s) AS s
             CROSS JOIN LATERAL (VALUES %s) AS v (subject, rows) WHERE {kept}',
           pg_catalog.string_agg(pg_catalog.format('count(*) FILTER (WHERE %s) AS n%s',
               pg_catalog.format($offends${offends}$offends$, a.attname), a.attnum), ', ' ORDER BY a.attnum),
           {ROWS},
           pg_catalog.string_agg(pg_catalog.format('(%L, s.n%s)', pg_catalog.format(
               '%I.%I.%I', n.nspname, c.relname, a.attname), a.attnum), ', ' ORDER BY a.attnum)), NULL, {OF_TABLE}
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 WHERE {TABLES} AND {columns}
 GROUP BY n.nspname, c.relname, c.relkind, c.oid ORDER BY 1"""


# A column whose values are texts: text, varchar, citext, and domains over them.
TEXT = "t.typcategory = 'S'"
