# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the catalogs say of functions, types, operators and text search."""

from __future__ import annotations

from .sql import Kind, a_type, acl, comment, in_database, in_schema, named, owner, routine, yes

_SIGNATURE = f"{named('p.proname')} || '(' || pg_get_function_identity_arguments(p.oid) || ')'"
_OPERATOR = f"""{named("o.oprname")} || '(' || COALESCE({a_type("o.oprleft")}, 'none') || ', '
            || {a_type("o.oprright")} || ')'"""

ROUTINES = {
    "function": Kind(
        _SIGNATURE,
        {
            "kind": """CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
                       WHEN 'w' THEN 'window function' ELSE 'function' END""",
            "arguments": "NULLIF(pg_get_function_arguments(p.oid), '')",
            "returns": "pg_get_function_result(p.oid)",
            "language": "l.lanname",
            "volatility": "CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END",
            "parallel": "CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END",
            "strict": yes("p.proisstrict"),
            "security definer": yes("p.prosecdef"),
            "leakproof": yes("p.proleakproof"),
            "body": "CASE WHEN p.prosqlbody IS NULL THEN hashtextextended(p.prosrc, 0) END",
            "sql body": "pg_get_function_sqlbody(p.oid)",
            "library": "p.probin",
            "cost": "NULLIF(p.procost, CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END)",
            "rows": "CASE WHEN p.proretset THEN NULLIF(p.prorows, 1000) END",
            "support function": routine("p.prosupport"),
            "transforms": """NULLIF(array_to_string(ARRAY(
                                 SELECT format_type(o, NULL) FROM unnest(p.protrftypes) o), ', '), '')""",
            "settings": "array_to_string(p.proconfig, ', ')",
            "owner": owner("p.proowner"),
            "privileges": acl("p.proacl", "f", "p.proowner"),
            "comment": comment("p.oid", "pg_proc"),
        },
        in_schema("p", "pg_proc", "pronamespace", "JOIN pg_language l ON l.oid = p.prolang"),
    ),
    "aggregate": Kind(
        _SIGNATURE,
        {
            "kind": "CASE g.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical set' END",
            "direct arguments": "NULLIF(g.aggnumdirectargs, 0)",
            "transition": routine("g.aggtransfn"),
            "state": a_type("g.aggtranstype"),
            "state space": "NULLIF(g.aggtransspace, 0)",
            "initial value": "g.agginitval",
            "final": routine("g.aggfinalfn"),
            "final takes more": yes("g.aggfinalextra"),
            "final modifies": "g.aggfinalmodify",
            "combine": routine("g.aggcombinefn"),
            "serialize": routine("g.aggserialfn"),
            "deserialize": routine("g.aggdeserialfn"),
            "moving transition": routine("g.aggmtransfn"),
            "moving inverse": routine("g.aggminvtransfn"),
            "moving state": a_type("g.aggmtranstype"),
            "moving state space": "NULLIF(g.aggmtransspace, 0)",
            "moving initial value": "g.aggminitval",
            "moving final": routine("g.aggmfinalfn"),
            "moving final takes more": yes("g.aggmfinalextra"),
            "moving final modifies": "g.aggmfinalmodify",
            "sort operator": "NULLIF(g.aggsortop::regoperator::text, '0')",
        },
        in_schema("p", "pg_proc", "pronamespace", "JOIN pg_aggregate g ON g.aggfnoid = p.oid"),
    ),
    "language": Kind(
        "quote_ident(l.lanname)",
        {
            "trusted": yes("l.lanpltrusted"),
            "handler": routine("l.lanplcallfoid"),
            "inline": routine("l.laninline"),
            "validator": routine("l.lanvalidator"),
            "owner": owner("l.lanowner"),
            "privileges": acl("l.lanacl", "l", "l.lanowner"),
            "comment": comment("l.oid", "pg_language"),
        },
        in_database("l", "pg_language"),
    ),
    "transform": Kind(
        """format_type(t.trftype, NULL) || ' for '
           || (SELECT quote_ident(l.lanname) FROM pg_language l WHERE l.oid = t.trflang)""",
        {
            "from sql": routine("t.trffromsql"),
            "to sql": routine("t.trftosql"),
            "comment": comment("t.oid", "pg_transform"),
        },
        in_database("t", "pg_transform"),
    ),
    "cast": Kind(
        "format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL)",
        {
            "function": routine("c.castfunc"),
            "context": "CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END",
            "method": "CASE c.castmethod WHEN 'f' THEN 'function' WHEN 'i' THEN 'input and output' ELSE 'binary' END",
            "comment": comment("c.oid", "pg_cast"),
        },
        in_database("c", "pg_cast"),
    ),
}

TYPES = {
    # Arrays, multiranges and rows of tables follow from other types; columns of composite types are columns.
    "type": Kind(
        named("t.typname"),
        {
            "kind": """CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range'
                       WHEN 'c' THEN 'composite' WHEN 'p' THEN 'shell' ELSE 'base' END""",
            "labels": """(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                            FROM pg_enum e WHERE e.enumtypid = t.oid)""",
            "of": "CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END",
            "not null": yes("t.typnotnull"),
            "default": "CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) ELSE t.typdefault END",
            "collation": """CASE WHEN t.typtype IN ('d', 'b') THEN NULLIF(t.typcollation, COALESCE((
                               SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype), 0))::regcollation
                            END""",
            "range": f"""(SELECT concat_ws(', ', {a_type("r.rngsubtype")}, r.rngmultitypid::regtype,
                              (SELECT quote_ident(o.opcname) FROM pg_opclass o WHERE o.oid = r.rngsubopc),
                              NULLIF(r.rngcollation, 0)::regcollation,
                              {routine("r.rngcanonical")}, {routine("r.rngsubdiff")})
                            FROM pg_range r WHERE r.rngtypid = t.oid)""",
            "base": f"""CASE WHEN t.typtype = 'b' THEN concat_ws(', ', {routine("t.typinput")},
                          {routine("t.typoutput")}, {routine("t.typreceive")}, {routine("t.typsend")},
                          {routine("t.typmodin")}, {routine("t.typmodout")}, {routine("t.typanalyze")},
                          {routine("t.typsubscript")},
                          t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typispreferred, t.typdelim,
                          {a_type("t.typelem")}) END""",
            "owner": owner("t.typowner"),
            "privileges": acl("t.typacl", "T", "t.typowner"),
            "comment": comment("t.oid", "pg_type"),
        },
        in_schema("t", "pg_type", "typnamespace")
        + """ AND t.typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
   AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))""",
    ),
    "operator": Kind(
        f"""{named("o.oprname")} || '(' || COALESCE({a_type("o.oprleft")}, 'none') || ', '
            || {a_type("o.oprright")} || ')'""",
        {
            "function": routine("o.oprcode"),
            "commutator": "NULLIF(o.oprcom::regoperator::text, '0')",
            "negator": "NULLIF(o.oprnegate::regoperator::text, '0')",
            "restrict": routine("o.oprrest"),
            "join": routine("o.oprjoin"),
            "merges": yes("o.oprcanmerge"),
            "hashes": yes("o.oprcanhash"),
            "owner": owner("o.oprowner"),
            "comment": comment("o.oid", "pg_operator"),
        },
        in_schema("o", "pg_operator", "oprnamespace") + " AND o.oprcode <> 0",
    ),
    # A name that another operator's commutator or negator has reserved; no dump has one that no operator refers to.
    "shell operator": Kind(
        _OPERATOR,
        {"owner": owner("o.oprowner")},
        in_schema("o", "pg_operator", "oprnamespace") + " AND o.oprcode = 0",
    ),
    "operator class": Kind(
        f"{named('o.opcname')} || ' using ' || (SELECT m.amname FROM pg_am m WHERE m.oid = o.opcmethod)",
        {
            "type": "format_type(o.opcintype, NULL)",
            "family": """(SELECT quote_ident(s.nspname) || '.' || quote_ident(f.opfname) FROM pg_opfamily f
                            JOIN pg_namespace s ON s.oid = f.opfnamespace WHERE f.oid = o.opcfamily)""",
            "default": yes("o.opcdefault"),
            "storage": a_type("o.opckeytype"),
            "owner": owner("o.opcowner"),
            "comment": comment("o.oid", "pg_opclass"),
        },
        in_schema("o", "pg_opclass", "opcnamespace"),
    ),
    "operator family": Kind(
        f"{named('f.opfname')} || ' using ' || (SELECT m.amname FROM pg_am m WHERE m.oid = f.opfmethod)",
        {
            "operators": """(SELECT string_agg(concat(a.amopstrategy, ' ', a.amopopr::regoperator,
                                                CASE a.amoppurpose WHEN 'o' THEN ' to order' END), ', '
                               ORDER BY a.amopstrategy, a.amopopr::regoperator::text COLLATE "C")
                               FROM pg_amop a WHERE a.amopfamily = f.oid)""",
            "functions": """(SELECT string_agg(concat(a.amprocnum, ' ', a.amproc::oid::regprocedure, ' for ',
                                                format_type(a.amproclefttype, NULL), ', ',
                                                format_type(a.amprocrighttype, NULL)), '; '
                               ORDER BY a.amprocnum, a.amproc::oid::regprocedure::text COLLATE "C",
                                        format_type(a.amproclefttype, NULL) COLLATE "C",
                                        format_type(a.amprocrighttype, NULL) COLLATE "C")
                               FROM pg_amproc a WHERE a.amprocfamily = f.oid)""",
            "owner": owner("f.opfowner"),
            "comment": comment("f.oid", "pg_opfamily"),
        },
        in_schema("f", "pg_opfamily", "opfnamespace"),
    ),
    "collation": Kind(
        named("l.collname"),
        {
            "provider": "l.collprovider",
            "collate": "l.collcollate",
            "ctype": "l.collctype",
            # colliculocale in 15 and 16, colllocale from 17 on
            "locale": "COALESCE(to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale')",
            "rules": "to_jsonb(l) ->> 'collicurules'",
            "nondeterministic": yes("NOT l.collisdeterministic"),
            "owner": owner("l.collowner"),
            "comment": comment("l.oid", "pg_collation"),
        },
        in_schema("l", "pg_collation", "collnamespace"),
    ),
    "conversion": Kind(
        named("v.conname"),
        {
            "from": "pg_encoding_to_char(v.conforencoding)",
            "to": "pg_encoding_to_char(v.contoencoding)",
            "function": routine("v.conproc"),
            "default": yes("v.condefault"),
            "owner": owner("v.conowner"),
            "comment": comment("v.oid", "pg_conversion"),
        },
        in_schema("v", "pg_conversion", "connamespace"),
    ),
}

TEXT_SEARCH = {
    "text search parser": Kind(
        named("s.prsname"),
        {
            "start": routine("s.prsstart"),
            "token": routine("s.prstoken"),
            "end": routine("s.prsend"),
            "headline": routine("s.prsheadline"),
            "types": routine("s.prslextype"),
            "comment": comment("s.oid", "pg_ts_parser"),
        },
        in_schema("s", "pg_ts_parser", "prsnamespace"),
    ),
    "text search template": Kind(
        named("t.tmplname"),
        {
            "init": routine("t.tmplinit"),
            "lexize": routine("t.tmpllexize"),
            "comment": comment("t.oid", "pg_ts_template"),
        },
        in_schema("t", "pg_ts_template", "tmplnamespace"),
    ),
    "text search dictionary": Kind(
        named("y.dictname"),
        {
            "template": """(SELECT quote_ident(s.nspname) || '.' || quote_ident(t.tmplname) FROM pg_ts_template t
                              JOIN pg_namespace s ON s.oid = t.tmplnamespace WHERE t.oid = y.dicttemplate)""",
            "options": "y.dictinitoption",
            "owner": owner("y.dictowner"),
            "comment": comment("y.oid", "pg_ts_dict"),
        },
        in_schema("y", "pg_ts_dict", "dictnamespace"),
    ),
    "text search configuration": Kind(
        named("f.cfgname"),
        {
            "parser": """(SELECT quote_ident(s.nspname) || '.' || quote_ident(r.prsname) FROM pg_ts_parser r
                            JOIN pg_namespace s ON s.oid = r.prsnamespace WHERE r.oid = f.cfgparser)""",
            "mapping": """(SELECT string_agg(k.alias || ': ' || m.dictionaries, '; ' ORDER BY k.tokid)
              FROM (SELECT maptokentype,
                           string_agg(mapdict::regdictionary::text, ', ' ORDER BY mapseqno) AS dictionaries
                      FROM pg_ts_config_map WHERE mapcfg = f.oid GROUP BY maptokentype) AS m
              JOIN ts_token_type(f.cfgparser) AS k ON k.tokid = m.maptokentype)""",
            "owner": owner("f.cfgowner"),
            "comment": comment("f.oid", "pg_ts_config"),
        },
        in_schema("f", "pg_ts_config", "cfgnamespace"),
    ),
}
