# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What belongs to a database and is missing from a restore under another name: read it, and give it to a copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import NotABackup
from ..model import DatabaseProperties
from ..ports.database import Session, identifier, joined, literal, statement
from . import queries

# pg_database's column by CREATE DATABASE's option; majors name the locale differently.
# https://www.postgresql.org/docs/current/sql-createdatabase.html
_CREATION = {
    "datcollate": "LC_COLLATE",
    "datctype": "LC_CTYPE",
    "daticurules": "ICU_RULES",
}
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}
_LOCALES = {"i": "ICU_LOCALE", "b": "BUILTIN_LOCALE"}
_OPTIONS = frozenset({"ENCODING", "LOCALE_PROVIDER", *_CREATION.values(), *_LOCALES.values()})

# Settings whose value is a list, stored quoted; pg_dump treats the same ones apart (src/fe_utils/string_utils.c,
# variable_is_guc_list_quote).
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)


_ELEMENT = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')
_TEMPLATES_TABLESPACE = "pg_default"
_PRIVILEGES = frozenset({"CREATE", "CONNECT", "TEMPORARY"})


def read(session: Session, database: str) -> DatabaseProperties:
    """The properties of a database of the session's server."""
    owner, tablespace, limit, comment, default_acl, row = session.row(queries.PROPERTIES, (database,))
    encoding = session.value(queries.ENCODING, (database,))
    acl = None if default_acl else tuple(session.rows(queries.DATABASE_ACL, (database,)))
    return DatabaseProperties(
        owner=owner,
        creation={"ENCODING": encoding, **_locale(row)},
        tablespace=tablespace,
        connection_limit=limit,
        comment=comment,
        acl=acl,
        template=row["datistemplate"],
        settings=tuple(session.rows(queries.DATABASE_SETTINGS, (database,))),
    )


def _locale(row: Mapping[str, Any]) -> dict[str, str]:
    options = {option: row[column] for column, option in _CREATION.items() if row.get(column)}
    provider = row.get("datlocprovider")
    if provider:
        options["LOCALE_PROVIDER"] = _PROVIDERS[provider]
    locale = row.get("datlocale") or row.get("daticulocale")
    if provider in _LOCALES and locale:
        options[_LOCALES[provider]] = locale
    return options


def creation(name: str, properties: DatabaseProperties, superuser: bool) -> Any:
    """CREATE DATABASE for an empty twin: same encoding, locale and tablespace.

    That of a superuser is closed to every other role until :func:`statements` gives it to its owner. Who connects to a
    copy that is being restored could add an index to a table of his, whose functions the next reader would run.
    """
    unknown = set(properties.creation) - _OPTIONS
    if unknown:
        raise NotABackup(f"The backup asks for unknown options of CREATE DATABASE: {', '.join(sorted(unknown))}.")
    options = [
        statement(f"{option} = {{value}}", value=literal(value)) for option, value in properties.creation.items()
    ]
    if properties.tablespace != _TEMPLATES_TABLESPACE:
        # Naming even the default one takes a right that an owner of databases need not have.
        options.append(statement("TABLESPACE {tablespace}", tablespace=identifier(properties.tablespace)))
    # An owner could lift the limit.
    owned = statement("OWNER {owner}", owner=identifier(properties.owner))
    whose = statement("CONNECTION LIMIT 0") if superuser else owned
    return statement(
        "CREATE DATABASE {name} TEMPLATE template0 {whose} {options}",
        name=identifier(name),
        whose=whose,
        options=joined(" ", options),
    )


def possible(session: Session, properties: DatabaseProperties) -> tuple[DatabaseProperties, tuple[str, ...]]:
    """The properties without those of roles that are gone, and the names of these.

    A migration may have dropped or renamed a role, which no backup of a database brings back.
    """
    acl = properties.acl or ()
    named = {grantee for grantee, _privilege, _option in acl} | {role for role, _setting in properties.settings}
    named.add(properties.owner)
    there = {name for (name,) in session.rows(queries.ROLES, (sorted(named),))}
    missing = named - there - {""}
    default = properties.acl is None or properties.owner in missing
    kept = replace(
        properties,
        acl=None if default else tuple(entry for entry in acl if entry[0] not in missing),
        settings=tuple(entry for entry in properties.settings if entry[0] not in missing),
    )
    return kept, tuple(sorted(missing))


def statements(name: str, properties: DatabaseProperties) -> Iterator[Any]:
    """What makes a restored copy answer like the original; each works inside one transaction with the renames."""
    database = identifier(name)
    yield statement("ALTER DATABASE {name} OWNER TO {owner}", name=database, owner=identifier(properties.owner))
    yield statement(
        "ALTER DATABASE {name} CONNECTION LIMIT {limit}", name=database, limit=literal(properties.connection_limit)
    )
    if properties.template:
        yield _template(database, properties.template)
    if properties.comment is not None:
        yield statement("COMMENT ON DATABASE {name} IS {text}", name=database, text=literal(properties.comment))
    yield from grants(name, properties)
    yield from _settings(database, properties)


def grants(name: str, properties: DatabaseProperties) -> Iterator[Any]:
    """Exactly these privileges on the database; nothing for the default ones."""
    database = identifier(name)
    if properties.acl is None:
        return
    yield statement("REVOKE ALL ON DATABASE {name} FROM PUBLIC", name=database)
    yield statement("REVOKE ALL ON DATABASE {name} FROM {owner}", name=database, owner=identifier(properties.owner))
    for grantee, privilege, grantable in properties.acl:
        if privilege not in _PRIVILEGES:
            raise NotABackup(f"The backup grants an unknown privilege on the database: {privilege!r}.")
        option = " WITH GRANT OPTION" if grantable else ""
        yield statement(
            f"GRANT {privilege} ON DATABASE {{name}} TO {{grantee}}{option}",
            name=database,
            grantee=identifier(grantee) if grantee else statement("PUBLIC"),
        )


def not_given(refused: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each of :func:`statements` that the server refused; on hosted servers no role may do them all."""
    return tuple(f"The restored database lacks what the original had; as a superuser: {text}" for text in refused)


def rights(properties: DatabaseProperties) -> frozenset[tuple[str, str, bool]]:
    """The privileges on the database, the default ones written out.

    https://www.postgresql.org/docs/current/ddl-priv.html#PRIVILEGES-SUMMARY-TABLE
    """
    if properties.acl is not None:
        return frozenset(properties.acl)
    owners = {(properties.owner, privilege, False) for privilege in _PRIVILEGES}
    return frozenset(owners | {("", "CONNECT", False), ("", "TEMPORARY", False)})


def differences(now: DatabaseProperties, wanted: DatabaseProperties) -> list[str]:
    """What of them is other, in a word or two each; without the tablespace, which only a move of the files changes."""
    pairs = {
        "the owner": (now.owner, wanted.owner),
        "the connection limit": (now.connection_limit, wanted.connection_limit),
        "the template flag": (now.template, wanted.template),
        "the comment": (now.comment, wanted.comment),
        "the privileges": (rights(now), rights(wanted)),
        "the settings": (sorted(now.settings), sorted(wanted.settings)),
    }
    return [what for what, (is_now, was) in pairs.items() if is_now != was]


def changes(name: str, now: DatabaseProperties, wanted: DatabaseProperties) -> Iterator[Any]:
    """What makes a database that has been changed answer as before; works inside one transaction."""
    database = identifier(name)
    yield statement("ALTER DATABASE {name} OWNER TO {owner}", name=database, owner=identifier(wanted.owner))
    if now.template != wanted.template:
        yield _template(database, wanted.template)
    if rights(now) != rights(wanted) or now.owner != wanted.owner:
        yield from _rights_anew(name, now, wanted)
    for role, setting in sorted(set(now.settings) - set(wanted.settings)):
        yield _resetting(database, role, setting)
    yield statement("COMMENT ON DATABASE {name} IS {text}", name=database, text=literal(wanted.comment))
    missing = tuple(entry for entry in wanted.settings if entry not in now.settings)
    yield from statements(name, replace(wanted, acl=None, template=False, settings=missing))


def _template(database: Any, value: bool) -> Any:
    return statement("ALTER DATABASE {name} IS_TEMPLATE {value}", name=database, value=literal(value))


def _rights_anew(name: str, now: DatabaseProperties, wanted: DatabaseProperties) -> Iterator[Any]:
    for grantee in sorted({grantee for grantee, _privilege, _option in rights(now)} - {"", now.owner, wanted.owner}):
        template = "REVOKE ALL ON DATABASE {name} FROM {who} CASCADE"
        yield statement(template, name=identifier(name), who=identifier(grantee))
    yield from grants(name, replace(wanted, acl=tuple(sorted(rights(wanted)))))


def _resetting(database: Any, role: str, setting: str) -> Any:
    parts = {"name": identifier(*setting.partition("=")[0].split(".")), "database": database}
    if role:
        return statement("ALTER ROLE {role} IN DATABASE {database} RESET {name}", role=identifier(role), **parts)
    return statement("ALTER DATABASE {database} RESET {name}", **parts)


def _settings(database: Any, properties: DatabaseProperties) -> Iterator[Any]:
    for role, setting in properties.settings:
        name, _equals, value = setting.partition("=")
        # The name of a setting of an extension has dots; each part is an identifier of its own.
        parts = {"name": identifier(*name.split(".")), "value": _value(name, value), "database": database}
        if role:
            template = "ALTER ROLE {role} IN DATABASE {database} SET {name} = {value}"
            yield statement(template, role=identifier(role), **parts)
        else:
            yield statement("ALTER DATABASE {database} SET {name} = {value}", **parts)


def _value(name: str, value: str) -> Any:
    if name not in _LISTS:
        return literal(value)
    elements = [(quoted.replace('""', '"') if bare == "" else bare) for quoted, bare in _ELEMENT.findall(value)]
    # A list without elements has no text in SET; one empty element means the same.
    return joined(", ", [literal(element) for element in elements or [""]])
