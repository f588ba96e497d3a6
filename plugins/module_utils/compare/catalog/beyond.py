# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people have put where pg_dump does not look: into the system's schemas, its configurations, an extension.

pg_dump leaves out whatever belongs to the system or to an extension: https://www.postgresql.org/docs/current/extend-extensions.html
"""

from __future__ import annotations

from .sql import FIRST_OF_USERS, Kind, not_an_extensions, of_users

# Rows and arrays have types of their own, a range has a multirange, and a shell operator is none.
_IN_SCHEMAS = " UNION ALL ".join(
    f"SELECT '{catalog}'::regclass, o.oid FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{schema} "
    f"WHERE o.oid >= {FIRST_OF_USERS} AND n.oid < {FIRST_OF_USERS} "
    f"AND n.nspname IN ('pg_catalog', 'information_schema') AND {condition}"
    for catalog, schema, condition in (
        ("pg_class", "relnamespace", "o.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')"),
        ("pg_proc", "pronamespace", "true"),
        (
            "pg_type",
            "typnamespace",
            "o.typrelid = 0 AND o.typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = o.oid)",
        ),
        ("pg_operator", "oprnamespace", "o.oprcode <> 0"),
        ("pg_opclass", "opcnamespace", "true"),
        ("pg_opfamily", "opfnamespace", "true"),
        ("pg_collation", "collnamespace", "true"),
        ("pg_conversion", "connamespace", "true"),
        ("pg_ts_config", "cfgnamespace", "true"),
        ("pg_ts_dict", "dictnamespace", "true"),
        ("pg_ts_parser", "prsnamespace", "true"),
        ("pg_ts_template", "tmplnamespace", "true"),
        ("pg_statistic_ext", "stxnamespace", "true"),
    )
)

# ALTER OPERATOR FAMILY of one of the system's; what CREATE OPERATOR CLASS has put there is dumped with the class.
_IN_FAMILIES = " UNION ALL ".join(
    f"SELECT '{catalog}'::regclass, o.oid FROM {catalog} o "
    f"WHERE o.oid >= {FIRST_OF_USERS} AND o.{family} < {FIRST_OF_USERS} "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid "
    f"AND d.classid = '{catalog}'::regclass AND d.refclassid = 'pg_opclass'::regclass)"
    for catalog, family in (("pg_amop", "amopfamily"), ("pg_amproc", "amprocfamily"))
)

# As initdb makes them: 19 kinds of tokens, a dictionary each, and a stemmer for the 6 kinds of words but in `simple`.
_MAPPED = f"""
SELECT m.mapcfg, count(*) AS entries, bool_or(d.oid >= {FIRST_OF_USERS}) AS foreign_dictionary,
       count(*) FILTER (WHERE d.dictname LIKE '%%\\_stem') AS stemmed,
       string_agg(concat(t.alias, ' ', m.mapdict::regdictionary), ', ' ORDER BY m.maptokentype, m.mapseqno) AS text
  FROM pg_ts_config_map m JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_ts_config c ON c.oid = m.mapcfg
  JOIN ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype
 GROUP BY 1
"""

BEYOND = {
    # Its rows are in no dump unless the extension says so, and CREATE EXTENSION makes it if its script does.
    "table of an extension": Kind(
        "quote_ident(n.nspname) || '.' || quote_ident(c.relname)",
        {"extension": "e.extname"},
        """FROM pg_extension e JOIN pg_depend d ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
  JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE d.deptype = 'e' AND c.relkind IN ('r', 'p') AND c.oid <> ALL (COALESCE(e.extconfig, '{}'))""",
    ),
    "object among the system's": Kind(
        "i.type || ' ' || i.identity",
        {},
        f"""FROM ({_IN_SCHEMAS} UNION ALL {_IN_FAMILIES}) AS o (classid, oid)
  CROSS JOIN LATERAL pg_identify_object(o.classid, o.oid, 0) AS i
 WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e' AND d.classid = o.classid AND d.objid = o.oid)""",
    ),
    "change of the system's": Kind(
        "'text search configuration ' || c.oid::regconfig::text",
        {"mapping": "m.text"},
        f"""FROM pg_ts_config c LEFT JOIN ({_MAPPED}) AS m ON m.mapcfg = c.oid
 WHERE c.oid < {FIRST_OF_USERS} AND (m.entries, m.foreign_dictionary, m.stemmed) IS DISTINCT FROM
       (19::bigint, false, CASE c.cfgname WHEN 'simple' THEN 0 ELSE 6 END::bigint)""",
    ),
}

# Kinds of which no dump says anything, so that no restore brings them back.
NOT_DUMPED = ("object among the system's", "change of the system's")

# A language whose functions are not dumped is dumped without them (dumpProcLang() in pg_dump.c), and CREATE LANGUAGE
# without a handler is CREATE EXTENSION: https://www.postgresql.org/docs/current/sql-createlanguage.html
LANGUAGES = f"""
SELECT DISTINCT ON (1) l.lanname, p.oid::regprocedure::text
  FROM pg_language l JOIN pg_proc p ON p.oid IN (l.lanplcallfoid, l.laninline, l.lanvalidator)
 WHERE l.oid >= {FIRST_OF_USERS} AND {not_an_extensions("l", "pg_language")}
   AND NOT (p.oid >= {FIRST_OF_USERS} AND {not_an_extensions("p", "pg_proc")})
 ORDER BY 1, 2
"""

# CREATE EXTENSION makes them again, and then the dump does: functions of an extension's library that are none of its
# members, made after it. One that runs a member's code under a name of its own is an alias.
REMOVED_FUNCTIONS = f"""
WITH members AS (
  SELECT e.oid AS extension, e.extname, p.probin, p.prosrc, p.proname
    FROM pg_extension e JOIN pg_depend d ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
   WHERE d.deptype = 'e' AND p.probin IS NOT NULL)
SELECT DISTINCT ON (1) p.oid::regprocedure::text, m.extname
  FROM pg_proc p JOIN members m ON m.probin = p.probin AND m.extension < p.oid
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.oid >= {FIRST_OF_USERS} AND {of_users()} AND {not_an_extensions("p", "pg_proc")}
   AND (m.proname = p.proname
        OR NOT EXISTS (SELECT FROM members o WHERE o.probin = p.probin AND o.prosrc = p.prosrc))
 ORDER BY 1, 2
"""
