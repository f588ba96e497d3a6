# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the catalogs say of relations and of all that belongs to one."""

from __future__ import annotations

from .sql import (
    RELATION,
    Kind,
    acl,
    column_options,
    comment,
    named,
    not_an_extensions,
    of_class,
    of_users,
    options,
    owner,
    yes,
)

_WITH_COLUMNS = "c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped"
_INHERITS = "(NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))"
_COLUMN_ORDER = {"columns": "string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)"}
_GROUPED = "GROUP BY n.nspname, c.oid, c.relname"

RELATIONS = {
    "relation": Kind(
        RELATION,
        {
            "kind": """CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                       WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END""",
            "unlogged": yes("c.relpersistence = 'u'"),
            "owner": owner("c.relowner"),
            "privileges": acl("c.relacl", "r", "c.relowner"),
            "comment": comment("c.oid", "pg_class"),
            "row security": """NULLIF(concat_ws(', ', CASE WHEN c.relrowsecurity THEN 'enabled' END,
                                                CASE WHEN c.relforcerowsecurity THEN 'forced' END), '')""",
            "replica identity": """CASE WHEN c.relkind IN ('r', 'p', 'm') THEN CASE c.relreplident
                                   WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END END""",
            "options": options("c.reloptions"),
            "options of its TOAST table": f"""(SELECT {options("t.reloptions")} FROM pg_class t
                                                WHERE t.oid = c.reltoastrelid)""",
            "tablespace": "(SELECT t.spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace)",
            "access method": "(SELECT m.amname FROM pg_am m WHERE m.oid = c.relam)",
            "of the type": "format_type(NULLIF(c.reloftype, 0), NULL)",
            "partition key": "pg_get_partkeydef(c.oid)",
            "partition bound": "pg_get_expr(c.relpartbound, c.oid)",
            "parents": """(SELECT string_agg(i.inhparent::regclass::text
                              || CASE WHEN i.inhdetachpending THEN ' (being detached)' ELSE '' END, ', '
                              ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid)""",
            "populated": "CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'no' END",
            "definition": "CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END",
            "server": """(SELECT s.srvname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
                           WHERE f.ftrelid = c.oid)""",
            "foreign options": f"(SELECT {options('f.ftoptions')} FROM pg_foreign_table f WHERE f.ftrelid = c.oid)",
        },
        f"""FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
   AND {of_users()} AND {not_an_extensions("c", "pg_class")}""",
    ),
    "column": Kind(
        f"{RELATION} || '.' || quote_ident(a.attname)",
        {
            "type": "format_type(a.atttypid, a.atttypmod)",
            # What the constraint says more than that, from 18 on.
            "not null": """CASE WHEN a.attnotnull THEN COALESCE((SELECT NULLIF(replace(pg_get_constraintdef(k.oid),
                             'NOT NULL ' || quote_ident(a.attname), ''), '') FROM pg_constraint k
                             WHERE k.contype = 'n' AND k.conrelid = c.oid AND k.conkey[1] = a.attnum), 'yes') END""",
            "identity": "CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END",
            "generated": "CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END",
            "default": "pg_get_expr(d.adbin, d.adrelid)",
            "collation": """(SELECT l.oid::regcollation FROM pg_collation l
                              WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation)""",
            "storage": "NULLIF(a.attstorage, t.typstorage)",
            "compression": "NULLIF(a.attcompression::text, '')",
            "statistics target": "NULLIF(COALESCE(a.attstattarget, -1), -1)",
            "options": column_options("a.attoptions"),
            "foreign options": options("a.attfdwoptions"),
            "privileges": acl("a.attacl", "c", "c.relowner"),
            "comment": comment("c.oid", "pg_class", "a.attnum"),
        },
        f"""FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  {of_class("a.attrelid")} AND {_WITH_COLUMNS}""",
    ),
    "column order": Kind(
        RELATION,
        _COLUMN_ORDER,
        f"FROM pg_attribute a {of_class('a.attrelid')} AND {_WITH_COLUMNS} AND NOT {_INHERITS} {_GROUPED}",
    ),
    "inherited column order": Kind(
        RELATION,
        _COLUMN_ORDER,
        f"FROM pg_attribute a {of_class('a.attrelid')} AND {_WITH_COLUMNS} AND {_INHERITS} {_GROUPED}",
    ),
    # A partition's foreign keys follow from those of its parent, and a restore may name them otherwise; a constraint of
    # NOT NULL is a column's, and a dump names it only where it has not the name that it would get.
    "constraint": Kind(
        "quote_ident(n.nspname) || '.' || quote_ident(COALESCE(c.relname, y.typname)) || '.' || quote_ident(k.conname)",
        {"definition": "pg_get_constraintdef(k.oid)", "comment": comment("k.oid", "pg_constraint")},
        f"""FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
  LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type y ON y.oid = k.contypid
 WHERE NOT (k.contype = 'f' AND k.conparentid <> 0) AND NOT (k.contype = 'n' AND k.conrelid <> 0) AND {of_users()}
   AND (c.oid IS NULL OR {not_an_extensions("c", "pg_class")})
   AND (y.oid IS NULL OR {not_an_extensions("y", "pg_type")})""",
    ),
    "not null constraint": Kind(
        f"{RELATION} || '.' || quote_ident(k.conname)",
        {"definition": "pg_get_constraintdef(k.oid)", "comment": comment("k.oid", "pg_constraint")},
        f"FROM pg_constraint k {of_class('k.conrelid')} AND k.contype = 'n'",
    ),
    "index": Kind(
        RELATION,
        {
            "definition": "pg_get_indexdef(i.indexrelid)",
            "clustered": yes("i.indisclustered"),
            "replica identity": yes("i.indisreplident"),
            "valid": "CASE WHEN NOT i.indisvalid THEN 'no' END",
            "tablespace": "(SELECT t.spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace)",
            "parent": "(SELECT h.inhparent::regclass FROM pg_inherits h WHERE h.inhrelid = c.oid)",
            "statistics targets": """(SELECT string_agg(concat(a.attnum, ': ', a.attstattarget), ', ' ORDER BY a.attnum)
                                        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0)""",
            "comment": comment("c.oid", "pg_class"),
        },
        f"FROM pg_index i {of_class('i.indexrelid')} AND (i.indisvalid OR c.relkind = 'I')",
    ),
    "invalid index": Kind(
        RELATION,
        {"definition": "pg_get_indexdef(i.indexrelid)"},
        f"FROM pg_index i {of_class('i.indexrelid')} AND NOT i.indisvalid AND c.relkind <> 'I'",
    ),
    "sequence": Kind(
        RELATION,
        {
            # Of an identity column it is the column's in a copy, whatever it was.
            "type": """CASE WHEN NOT EXISTS (SELECT FROM pg_depend o WHERE o.objid = c.oid AND o.deptype = 'i'
                              AND o.classid = 'pg_class'::regclass) THEN format_type(s.seqtypid, NULL) END""",
            "start": "s.seqstart",
            "increment": "s.seqincrement",
            "minimum": "s.seqmin",
            "maximum": "s.seqmax",
            "cache": "NULLIF(s.seqcache, 1)",
            "cycle": yes("s.seqcycle"),
            "unlogged": yes("c.relpersistence = 'u'"),
            "owner": owner("c.relowner"),
            "privileges": acl("c.relacl", "s", "c.relowner"),
            "comment": comment("c.oid", "pg_class"),
            "owned by": """(SELECT concat(o.refobjid::regclass, '.', quote_ident(a.attname))
             FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
            WHERE o.objid = c.oid AND o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass
              AND o.deptype IN ('a', 'i'))""",
        },
        f"FROM pg_sequence s {of_class('s.seqrelid')}",
    ),
    "trigger": Kind(
        f"{RELATION} || '.' || quote_ident(g.tgname)",
        {
            "definition": "pg_get_triggerdef(g.oid)",
            "enabled": "CASE g.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END",
            "comment": comment("g.oid", "pg_trigger"),
        },
        f"FROM pg_trigger g {of_class('g.tgrelid')} AND NOT g.tgisinternal",
    ),
    # ALTER TABLE … DISABLE TRIGGER ALL; no dump says so.
    "disabled foreign key": Kind(
        f"{RELATION} || '.' || quote_ident(k.conname)",
        {"triggers": "string_agg(concat(g.tgfoid::regproc, ' ', g.tgenabled), ', ' ORDER BY g.tgfoid)"},
        f"""FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint {of_class("g.tgrelid")}
   AND g.tgisinternal AND g.tgenabled <> 'O' GROUP BY n.nspname, c.relname, k.conname""",
    ),
    "rule": Kind(
        f"{RELATION} || '.' || quote_ident(r.rulename)",
        {
            "definition": "pg_get_ruledef(r.oid)",
            "enabled": "CASE r.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END",
            "comment": comment("r.oid", "pg_rewrite"),
        },
        f"FROM pg_rewrite r {of_class('r.ev_class')} AND r.rulename <> '_RETURN'",
    ),
    "policy": Kind(
        f"{RELATION} || '.' || quote_ident(p.polname)",
        {
            "command": "CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' "
            "WHEN 'd' THEN 'delete' ELSE 'all' END",
            "restrictive": yes("NOT p.polpermissive"),
            "roles": """array_to_string(ARRAY(
                           SELECT CASE o WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(o)) END
                             FROM unnest(p.polroles) o ORDER BY 1), ', ')""",
            "using": "pg_get_expr(p.polqual, p.polrelid)",
            "check": "pg_get_expr(p.polwithcheck, p.polrelid)",
            "comment": comment("p.oid", "pg_policy"),
        },
        f"FROM pg_policy p {of_class('p.polrelid')}",
    ),
    "statistics object": Kind(
        named("x.stxname"),
        {
            "definition": "pg_get_statisticsobjdef(x.oid)",
            "target": "NULLIF(COALESCE(x.stxstattarget, -1), -1)",
            "owner": owner("x.stxowner"),
            "comment": comment("x.oid", "pg_statistic_ext"),
        },
        f"""FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace
 WHERE {of_users()} AND {not_an_extensions("x", "pg_statistic_ext")}""",
    ),
}
