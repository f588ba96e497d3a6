# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the queries of the catalogs are made of.

A :class:`Kind` reads all objects of one kind: a name, and the facts of each. A fact that is NULL is left out, so what
is as it comes by default is not said. Read by sessions whose search_path is empty: names of the system need no schema,
and any other is written out with one. Catalogs: https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model import RECORD_SCHEMA

# The first OID of what is not the system's: https://www.postgresql.org/docs/current/system-catalog-initial-data.html
FIRST_OF_USERS = 16384


@dataclass(frozen=True)
class Kind:
    """
    :param name: SQL of an object's name, which no other object of the kind has.
    :param facts: SQL by the fact's name.
    :param source: FROM and WHERE.
    :param later: further facts by the version from which on the server knows them, such as 150000.
    :param since: the version from which on there are such objects.
    """

    name: str
    facts: Mapping[str, str]
    source: str
    later: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    since: int = 0

    def query(self, version: int) -> str:
        """Rows of a name and a JSON object of texts.

        :param version: the server's ``server_version_num``.
        """
        facts = dict(self.facts)
        for first, further in self.later.items():
            if version >= first:
                facts.update(further)
        listed = ",\n".join(f"'{name}', ({value})::text" for name, value in facts.items())
        return f"SELECT {self.name}, jsonb_strip_nulls(jsonb_build_object(\n{listed}))\n{self.source}"


def of_users(schema: str = "n") -> str:
    """Not the system's, and not the record of applied migration sets."""
    return (
        f"({schema}.nspname NOT LIKE 'pg\\_%%' AND {schema}.nspname NOT IN ('information_schema', '{RECORD_SCHEMA}'))"
    )


def not_an_extensions(alias: str, catalog: str) -> str:
    """What an extension made is the extension's."""
    return f"""NOT EXISTS (SELECT FROM pg_depend made
 WHERE made.deptype = 'e' AND made.objid = {alias}.oid AND made.classid = '{catalog}'::regclass)"""


def in_schema(alias: str, catalog: str, schema_column: str, joins: str = "") -> str:
    """FROM and WHERE of a catalog whose objects are in schemas."""
    return f"""FROM {catalog} {alias} JOIN pg_namespace n ON n.oid = {alias}.{schema_column} {joins}
 WHERE {of_users()} AND {not_an_extensions(alias, catalog)}"""


def in_database(alias: str, catalog: str) -> str:
    """FROM and WHERE of a catalog whose objects are in no schema."""
    return f"""FROM {catalog} {alias}
 WHERE {alias}.oid >= {FIRST_OF_USERS} AND {not_an_extensions(alias, catalog)}"""


def of_class(oid: str) -> str:
    """The relation, and the schema, that a catalog's rows belong to; a WHERE begins."""
    return f"""JOIN pg_class c ON c.oid = {oid} JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND {of_users()} AND {not_an_extensions("c", "pg_class")}"""


def named(column: str, schema: str = "n") -> str:
    return f"quote_ident({schema}.nspname) || '.' || quote_ident({column})"


RELATION = named("c.relname")


def acl(column: str, kind: str, owner: str) -> str:
    """Privileges in order, NULL when they are the default's; the grantor, whom a restore may change, is left out."""
    default = f"acldefault('{kind}', {owner})"
    return f"NULLIF({privileges(f'COALESCE({column}, {default})')}, {privileges(default)})"


def privileges(column: str) -> str:
    return f"""COALESCE((SELECT string_agg(g.line, ' ' ORDER BY g.line COLLATE "C") FROM (
 SELECT CASE e.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(e.grantee)) END || '=' || e.privilege_type
        || CASE WHEN e.is_grantable THEN '*' ELSE '' END AS line
   FROM aclexplode({column}) AS e) AS g), 'nobody')"""


def comment(oid: str, catalog: str, sub: str = "0") -> str:
    return f"""(SELECT d.description FROM pg_description d WHERE d.objoid = {oid}
 AND d.classoid = '{catalog}'::regclass AND d.objsubid = {sub})"""


def owner(column: str) -> str:
    return f"pg_get_userbyid({column})"


def options(column: str) -> str:
    """Options in order; NULL when there are none."""
    return f"NULLIF(array_to_string(ARRAY(SELECT o FROM unnest({column}) o ORDER BY o COLLATE \"C\"), ', '), '')"


def column_options(column: str) -> str:
    """Options of a column, without pg_attver.

    Debian 13's PostgreSQL 17.12 sets pg_attver on every column that is created, and pg_dump leaves it out: a restored
    column always has another one. PostgreSQL's documentation does not name it.
    """
    return options(f"ARRAY(SELECT v FROM unnest({column}) v WHERE v NOT LIKE 'pg\\_attver=%%')")


def routine(column: str) -> str:
    """A function with its arguments' types; NULL when there is none."""
    return f"NULLIF({column}::oid::regprocedure::text, '-')"


def a_type(column: str) -> str:
    return f"format_type(NULLIF({column}, 0), NULL)"


def yes(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 'yes' END"
