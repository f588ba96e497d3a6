# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the catalogs say of what is in no schema: schemas, extensions, publications, foreign servers, privileges …"""

from __future__ import annotations

from .sql import (
    FIRST_OF_USERS,
    Kind,
    acl,
    comment,
    in_database,
    not_an_extensions,
    of_users,
    options,
    owner,
    privileges,
    routine,
    yes,
)

# Objects with privileges, each with the default's kind: https://www.postgresql.org/docs/current/catalog-pg-init-privs.html
_GRANTED = " UNION ALL ".join(
    f"SELECT '{catalog}'::regclass, o.oid, o.{column}, acldefault({kind}, o.{owned}) FROM {catalog} o"
    for catalog, column, owned, kind in (
        ("pg_class", "relacl", "relowner", "CASE o.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END"),
        ("pg_proc", "proacl", "proowner", "'f'"),
        ("pg_type", "typacl", "typowner", "'T'"),
        ("pg_namespace", "nspacl", "nspowner", "'n'"),
        ("pg_language", "lanacl", "lanowner", "'l'"),
        ("pg_foreign_data_wrapper", "fdwacl", "fdwowner", "'F'"),
        ("pg_foreign_server", "srvacl", "srvowner", "'S'"),
    )
)

SCHEMAS = {
    "schema": Kind(
        "n.nspname",
        {
            "owner": owner("n.nspowner"),
            "privileges": acl("n.nspacl", "n", "n.nspowner"),
            "comment": comment("n.oid", "pg_namespace"),
        },
        f"FROM pg_namespace n WHERE {of_users()} AND {not_an_extensions('n', 'pg_namespace')}",
    ),
    "extension": Kind(
        "quote_ident(e.extname)",
        {
            "schema": "(SELECT n.nspname FROM pg_namespace n WHERE n.oid = e.extnamespace)",
            # CREATE EXTENSION gives the comment of the control file, and no dump takes it away.
            "comment": f"""NULLIF({comment("e.oid", "pg_extension")}, (
                SELECT x.comment FROM pg_available_extensions x WHERE x.name = e.extname))""",
        },
        "FROM pg_extension e",
    ),
    # A dump names neither.
    "extension version": Kind(
        "quote_ident(e.extname)",
        {"version": "e.extversion", "owner": owner("e.extowner")},
        "FROM pg_extension e",
    ),
    # On objects of the system and of extensions, where they are not what initdb or the extension gave.
    "privilege": Kind(
        "i.type || ' ' || i.identity",
        {"privileges": privileges("COALESCE(o.acl, o.standard)")},
        f"""FROM ({_GRANTED}) AS o (classid, oid, acl, standard)
  LEFT JOIN pg_init_privs p ON p.classoid = o.classid AND p.objoid = o.oid AND p.objsubid = 0
  CROSS JOIN LATERAL pg_identify_object(o.classid, o.oid, 0) AS i
 WHERE o.acl::text IS DISTINCT FROM p.initprivs::text
   AND (o.oid < {FIRST_OF_USERS} OR EXISTS (SELECT FROM pg_depend x
         WHERE x.deptype = 'e' AND x.objid = o.oid AND x.classid = o.classid))
   AND i.schema IS DISTINCT FROM 'information_schema' AND i.identity NOT IN ('information_schema', 'public')
   AND {privileges("COALESCE(o.acl, o.standard)")} <> {privileges("COALESCE(p.initprivs, o.standard)")}""",
    ),
    "default privilege": Kind(
        """quote_ident(pg_get_userbyid(d.defaclrole)) || COALESCE(' in ' || quote_ident(n.nspname), '') || ' on '
           || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
              WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects'
              ELSE d.defaclobjtype::text END""",
        {"privileges": privileges("d.defaclacl")},
        "FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace",
    ),
    "security label": Kind(
        "s.provider || ' on ' || i.type || ' ' || i.identity",
        {"label": "s.label"},
        "FROM pg_seclabel s CROSS JOIN LATERAL pg_identify_object(s.classoid, s.objoid, s.objsubid) AS i",
    ),
    "event trigger": Kind(
        "quote_ident(e.evtname)",
        {
            "event": "e.evtevent",
            "function": routine("e.evtfoid"),
            "enabled": "CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END",
            "tags": "array_to_string(ARRAY(SELECT t FROM unnest(e.evttags) t ORDER BY 1), ', ')",
            "owner": owner("e.evtowner"),
            "comment": comment("e.oid", "pg_event_trigger"),
        },
        in_database("e", "pg_event_trigger"),
    ),
    "access method": Kind(
        "quote_ident(m.amname)",
        {
            "type": "CASE m.amtype WHEN 'i' THEN 'index' ELSE 'table' END",
            "handler": routine("m.amhandler"),
            "comment": comment("m.oid", "pg_am"),
        },
        in_database("m", "pg_am"),
    ),
    "large object": Kind(
        "l.oid::text",
        {
            "owner": owner("l.lomowner"),
            "privileges": acl("l.lomacl", "L", "l.lomowner"),
            "comment": comment("l.oid", "pg_largeobject"),
        },
        "FROM pg_largeobject_metadata l",
    ),
}

REPLICATION = {
    "publication": Kind(
        "quote_ident(p.pubname)",
        {
            "all tables": yes("p.puballtables"),
            "publishes": """concat_ws(', ',
                 CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                 CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)""",
            "via root": yes("p.pubviaroot"),
            "generated columns": "NULLIF(to_jsonb(p) ->> 'pubgencols', 'n')",
            "owner": owner("p.pubowner"),
            "comment": comment("p.oid", "pg_publication"),
        },
        in_database("p", "pg_publication"),
        later={
            150000: {
                "schemas": """(SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY n.nspname)
                     FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid
                    WHERE s.pnpubid = p.oid)"""
            }
        },
    ),
    "published table": Kind(
        "concat(quote_ident(p.pubname), ': ', r.prrelid::regclass)",
        {"published": "'yes'"},
        "FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid",
        later={
            150000: {
                "columns": """(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
                                 FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs))""",
                "where": "pg_get_expr(r.prqual, r.prrelid)",
            }
        },
    ),
    # Never restored, since a copy's would go on applying.
    "subscription": Kind(
        "quote_ident(s.subname)",
        {
            "enabled": "CASE WHEN NOT s.subenabled THEN 'no' END",
            "publications": "array_to_string(s.subpublications, ', ')",
            "slot": "s.subslotname",
            "owner": owner("s.subowner"),
        },
        "FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    ),
}

FOREIGN = {
    "foreign data wrapper": Kind(
        "quote_ident(w.fdwname)",
        {
            "handler": routine("w.fdwhandler"),
            "validator": routine("w.fdwvalidator"),
            "options": options("w.fdwoptions"),
            "owner": owner("w.fdwowner"),
            "privileges": acl("w.fdwacl", "F", "w.fdwowner"),
            "comment": comment("w.oid", "pg_foreign_data_wrapper"),
        },
        in_database("w", "pg_foreign_data_wrapper"),
    ),
    "foreign server": Kind(
        "quote_ident(s.srvname)",
        {
            "wrapper": "(SELECT w.fdwname FROM pg_foreign_data_wrapper w WHERE w.oid = s.srvfdw)",
            "type": "s.srvtype",
            "version": "s.srvversion",
            "options": options("s.srvoptions"),
            "owner": owner("s.srvowner"),
            "privileges": acl("s.srvacl", "S", "s.srvowner"),
            "comment": comment("s.oid", "pg_foreign_server"),
        },
        in_database("s", "pg_foreign_server"),
    ),
    # The options hold passwords: the catalog has their names, and a hash of the values.
    "user mapping": Kind(
        "COALESCE(quote_ident(u.usename), 'public') || ' on ' || quote_ident(u.srvname)",
        {
            "options": """NULLIF(array_to_string(ARRAY(SELECT split_part(o, '=', 1) FROM unnest(u.umoptions) o
                                                        ORDER BY 1), ', '), '')""",
            "values": f"hashtextextended({options('u.umoptions')}, 0)",
        },
        "FROM pg_user_mappings u",
    ),
}
