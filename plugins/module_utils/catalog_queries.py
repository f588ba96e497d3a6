# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the catalogs say of every object: a query a kind, each giving names and definitions.

Read by sessions whose search_path is empty: names of the system need no schema, and any other is written out with one.
Catalogs: https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.model import RECORD_SCHEMA

_USER = f"n.nspname NOT LIKE 'pg\\_%%' AND n.nspname NOT IN ('information_schema', '{RECORD_SCHEMA}')"
_OWN = """NOT EXISTS (SELECT FROM pg_depend x
 WHERE x.deptype = 'e' AND x.objid = {0}.oid AND x.classid = 'pg_catalog.{1}'::regclass)"""


def _acl(acl: str, kind: str, owner: str) -> str:
    """Privileges in order, a default written out; the grantor, which a restore may change, is left out."""
    return f"""' acl ' || COALESCE((SELECT string_agg(g.line, ' ' ORDER BY g.line COLLATE "C") FROM (
 SELECT COALESCE(pg_get_userbyid(NULLIF(e.grantee, 0)), 'public') || '=' || e.privilege_type
        || CASE WHEN e.is_grantable THEN '*' ELSE '' END AS line
   FROM aclexplode(COALESCE({acl}, acldefault('{kind}', {owner}))) AS e) AS g), '')"""


def _comment(oid: str, catalog: str, sub: str = "0") -> str:
    return f"""COALESCE(' comment ' || (SELECT d.description FROM pg_description d WHERE d.objoid = {oid}
 AND d.classoid = 'pg_catalog.{catalog}'::regclass AND d.objsubid = {sub}), '')"""


def _owner(column: str) -> str:
    return f"' owner ' || pg_get_userbyid({column})"


_OF_CLASS = f"""JOIN pg_class c ON c.oid = {{}} JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND {_USER} AND {_OWN.format("c", "pg_class")}"""

QUERIES = {
    "schema": f"""
SELECT n.nspname, {_owner("n.nspowner")} || {_acl("n.nspacl", "n", "n.nspowner")} || {_comment("n.oid", "pg_namespace")}
  FROM pg_namespace n WHERE {_USER} AND {_OWN.format("n", "pg_namespace")}""",
    "relation": f"""
SELECT n.nspname || '.' || c.relname,
       c.relkind::text || c.relpersistence::text || {_owner("c.relowner")}
       || {_acl("c.relacl", "r", "c.relowner")} || {_comment("c.oid", "pg_class")}
       || ' rls ' || c.relrowsecurity::text || c.relforcerowsecurity::text || ' identity ' || c.relreplident::text
       || ' options ' || COALESCE((SELECT string_agg(o, ',' ORDER BY o) FROM unnest(c.reloptions) o), '')
       || ' tablespace ' || COALESCE((SELECT spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace), '')
       || COALESCE(' partition by ' || pg_get_partkeydef(c.oid), '')
       || COALESCE(' bound ' || pg_get_expr(c.relpartbound, c.oid), '')
       || ' parents ' || COALESCE((SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
                                     FROM pg_inherits i WHERE i.inhrelid = c.oid), '')
       || CASE WHEN c.relkind IN ('v', 'm') THEN ' as ' || pg_get_viewdef(c.oid) ELSE '' END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
   AND {_USER} AND {_OWN.format("c", "pg_class")}""",
    "column": f"""
SELECT n.nspname || '.' || c.relname || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || ' identity ' || a.attidentity::text || ' generated ' || a.attgenerated::text
       || COALESCE(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
       || COALESCE(' collation ' || (SELECT l.collname FROM pg_collation l
                                      WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation), '')
       || CASE WHEN a.attstorage = t.typstorage THEN '' ELSE ' storage ' || a.attstorage::text END
       || CASE WHEN a.attacl IS NULL THEN '' ELSE {_acl("a.attacl", "c", "c.relowner")} END
       || {_comment("c.oid", "pg_class", "a.attnum")}
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  {_OF_CLASS.format("a.attrelid")}
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraint": f"""
SELECT n.nspname || '.' || COALESCE(c.relname, y.typname) || '.' || k.conname,
       pg_get_constraintdef(k.oid) || {_comment("k.oid", "pg_constraint")}
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
  LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type y ON y.oid = k.contypid
 WHERE k.contype <> 'n' AND {_USER} AND (c.oid IS NULL OR {_OWN.format("c", "pg_class")})
   AND (y.oid IS NULL OR {_OWN.format("y", "pg_type")})""",
    "index": f"""
SELECT n.nspname || '.' || c.relname,
       pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisclustered THEN ' clustered' ELSE '' END
       || CASE WHEN i.indisreplident THEN ' replica identity' ELSE '' END || {_comment("c.oid", "pg_class")}
  FROM pg_index i {_OF_CLASS.format("i.indexrelid")} AND i.indisvalid""",
    "invalid index": f"""
SELECT n.nspname || '.' || c.relname, pg_get_indexdef(i.indexrelid)
  FROM pg_index i {_OF_CLASS.format("i.indexrelid")} AND NOT i.indisvalid""",
    "sequence": f"""
SELECT n.nspname || '.' || c.relname, format_type(s.seqtypid, NULL) || ' start ' || s.seqstart
       || ' increment ' || s.seqincrement || ' from ' || s.seqmin || ' to ' || s.seqmax || ' cache ' || s.seqcache
       || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END || {_owner("c.relowner")}
       || {_acl("c.relacl", "s", "c.relowner")} || {_comment("c.oid", "pg_class")}
       || ' owned by ' || COALESCE((SELECT o.refobjid::regclass || '.' || a.attname
             FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
            WHERE o.objid = c.oid AND o.classid = 'pg_catalog.pg_class'::regclass AND o.deptype IN ('a', 'i')), '')
  FROM pg_sequence s {_OF_CLASS.format("s.seqrelid")}""",
    "function": f"""
SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       p.prokind::text || ' returns ' || COALESCE(pg_get_function_result(p.oid), '') || ' language ' || l.lanname
       || ' ' || p.provolatile::text || p.proparallel::text || ' strict ' || p.proisstrict::text
       || ' definer ' || p.prosecdef::text || ' leakproof ' || p.proleakproof::text
       || ' body ' || hashtextextended(COALESCE(p.prosrc, ''), 0)
       || ' sql ' || hashtextextended(COALESCE(pg_get_function_sqlbody(p.oid), ''), 0)
       || ' set ' || COALESCE(array_to_string(p.proconfig, ','), '')
       || {_owner("p.proowner")} || {_acl("p.proacl", "f", "p.proowner")} || {_comment("p.oid", "pg_proc")}
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang WHERE {_USER} AND {_OWN.format("p", "pg_proc")}""",
    "trigger": f"""
SELECT n.nspname || '.' || c.relname || '.' || g.tgname,
       pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text || {_comment("g.oid", "pg_trigger")}
  FROM pg_trigger g {_OF_CLASS.format("g.tgrelid")} AND NOT g.tgisinternal""",
    "rule": f"""
SELECT n.nspname || '.' || c.relname || '.' || r.rulename, pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text
  FROM pg_rewrite r {_OF_CLASS.format("r.ev_class")} AND r.rulename <> '_RETURN'""",
    "policy": f"""
SELECT n.nspname || '.' || c.relname || '.' || p.polname, p.polcmd::text || p.polpermissive::text || ' to '
       || array_to_string(ARRAY(SELECT COALESCE(pg_get_userbyid(NULLIF(o, 0)), 'public')
                                             FROM unnest(p.polroles) o ORDER BY 1), ',')
       || COALESCE(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
       || COALESCE(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
  FROM pg_policy p {_OF_CLASS.format("p.polrelid")}""",
    "type": f"""
SELECT n.nspname || '.' || t.typname, t.typtype::text || COALESCE((SELECT ' (' || string_agg(e.enumlabel, ', '
       ORDER BY e.enumsortorder) || ')' FROM pg_enum e WHERE e.enumtypid = t.oid), '')
       || CASE WHEN t.typtype = 'd' THEN ' ' || format_type(t.typbasetype, t.typtypmod) || ' not null '
          || t.typnotnull::text || COALESCE(' default ' || pg_get_expr(t.typdefaultbin, 0), '') ELSE '' END
       || {_owner("t.typowner")} || {_acl("t.typacl", "T", "t.typowner")} || {_comment("t.oid", "pg_type")}
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c
         WHERE c.oid = t.typrelid AND c.relkind = 'c')) AND {_USER} AND {_OWN.format("t", "pg_type")}""",
    "extension": "SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace",
    "extension version": "SELECT e.extname, e.extversion FROM pg_extension e",
    "publication": f"""
SELECT p.pubname,
       p.puballtables::text || p.pubinsert::text || p.pubupdate::text || p.pubdelete::text || p.pubtruncate::text
       || {_owner("p.pubowner")} || ' ' || COALESCE((SELECT string_agg(t.schemaname || '.' || t.tablename, ','
       ORDER BY t.schemaname, t.tablename) FROM pg_publication_tables t
       WHERE t.pubname = p.pubname AND NOT p.puballtables), '')
  FROM pg_publication p""",
    "event trigger": """
SELECT e.evtname, e.evtevent || ' ' || e.evtfoid::regproc::text || ' ' || e.evtenabled::text
       || ' ' || COALESCE(array_to_string(e.evttags, ','), '') FROM pg_event_trigger e""",
    "default privilege": f"""
SELECT pg_get_userbyid(d.defaclrole) || ' ' || COALESCE(n.nspname, '') || ' ' || d.defaclobjtype::text,
       {_acl("d.defaclacl", "r", "d.defaclrole")}
  FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace""",
    "foreign server": f"""
SELECT s.srvname, w.fdwname || {_owner("s.srvowner")} || ' ' || COALESCE(array_to_string(s.srvoptions, ','), '')
  FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 WHERE {_OWN.format("s", "pg_foreign_server")}""",
    "collation": f"""
SELECT n.nspname || '.' || l.collname, l.collprovider::text || ' ' || COALESCE(l.collcollate, '')
  FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
 WHERE {_USER} AND {_OWN.format("l", "pg_collation")}""",
    "operator": f"""
SELECT n.nspname || '.' || o.oprname || '(' || format_type(o.oprleft, NULL) || ','
       || format_type(o.oprright, NULL) || ')', o.oprcode::text
  FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
 WHERE {_USER} AND {_OWN.format("o", "pg_operator")}""",
    "statistics": f"""
SELECT n.nspname || '.' || x.stxname, pg_get_statisticsobjdef(x.oid)
  FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace WHERE {_USER}""",
    "text search configuration": f"""
SELECT n.nspname || '.' || f.cfgname, {_owner("f.cfgowner")}
  FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace
 WHERE {_USER} AND {_OWN.format("f", "pg_ts_config")}""",
    # A piece at a time, for a whole one need not fit into a value; 262144 opens it for reading, 2 seeks from its end.
    # https://www.postgresql.org/docs/current/lo-funcs.html
    "large object": f"""
SELECT l.oid::text, {_owner("l.lomowner")} || {_acl("l.lomacl", "L", "l.lomowner")}
       || {_comment("l.oid", "pg_largeobject")}
       || ' content ' || (SELECT sum(hashtextextended(encode(lo_get(l.oid, p.place, 1048576), 'hex'), p.place))::text
                            FROM generate_series(0, lo_lseek64(lo_open(l.oid, 262144), 0, 2), 1048576) AS p (place))
  FROM pg_largeobject_metadata l""",
}
