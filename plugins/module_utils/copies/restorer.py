# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role that restores a backup in a temporary instance without being a superuser.

It is a member of every role of the backup, so that ALTER … OWNER TO works, and of no role that reaches files or
programs of the server. What takes a superuser and comes from installed files, the extensions, is created for it.
While it restores, every role may create in every schema: a role that owns an object need not have that right.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..errors import VerificationFailed
from ..model import Administrator, Target
from ..ports.database import WRITING, Session, identifier, literal, session, statement

# Its name is in no backup; that of the group is made of it, in which all roles of the backup are.
_PREFIX = "pgsafe_restorer_"
_GROUP = "_group"

# They read and write tables, an extension's too, but no file: https://www.postgresql.org/docs/current/predefined-roles.html
_DATA_ROLES = ("pg_read_all_data", "pg_write_all_data")

_ROLES = """
SELECT rolname FROM pg_catalog.pg_roles
 WHERE (oid >= 16384 OR rolname = ANY (%s)) AND rolname <> ALL (%s)
"""
_TABLESPACES = "SELECT spcname FROM pg_catalog.pg_tablespace WHERE oid >= 16384"
_WRAPPERS = "SELECT fdwname FROM pg_catalog.pg_foreign_data_wrapper"

# What a statement in a schema could find in place of what it means.
_OBJECTS = """
SELECT (SELECT count(*) FROM pg_catalog.pg_proc WHERE oid >= 16384)
     + (SELECT count(*) FROM pg_catalog.pg_operator WHERE oid >= 16384)
     + (SELECT count(*) FROM pg_catalog.pg_type WHERE oid >= 16384)
     + (SELECT count(*) FROM pg_catalog.pg_class WHERE oid >= 16384)
     + (SELECT count(*) FROM pg_catalog.pg_cast WHERE oid >= 16384)
"""

# An extension belongs to the role that creates it, which no command changes, and only its owner may comment on it.
_EXTENSIONS_TO = """
UPDATE pg_catalog.pg_extension SET extowner = r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = %s
"""


def in_cluster(superuser: Target, extension_owner: str) -> Target:
    """The way of a new such role to a temporary instance that has the roles of the backup.

    :param superuser: the way of the superuser, who stays its administrator.
    :param extension_owner: as in :class:`model.Administrator`.
    """
    name, password = f"{_PREFIX}{secrets.token_hex(8)}", secrets.token_hex(32)
    restorer = replace(
        superuser,
        params={**superuser.params, "user": name, "password": password},
        administrator=Administrator(superuser, extension_owner),
    )
    with session(superuser.maintenance, WRITING, "verify") as server:
        roles = [role for (role,) in server.rows(_ROLES, (list(_DATA_ROLES), [name]))]
        create = "CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD {password}"
        server.execute(statement(create, name=identifier(name), password=literal(password)))
        server.execute(statement("CREATE ROLE {group}", group=_group(restorer)))
        for role in roles:
            server.execute(statement("GRANT {role} TO {name}", role=identifier(role), name=identifier(name)))
        for role in [name, *set(roles) - set(_DATA_ROLES)]:
            server.execute(statement("GRANT {group} TO {role}", group=_group(restorer), role=identifier(role)))
    return restorer


def _group(restorer: Target) -> Any:
    return identifier(f"{restorer.params['user']}{_GROUP}")


def prepare(restorer: Target, database: str) -> None:
    """Let it restore into a new database; does nothing for any other role.

    :param restorer: as :func:`in_cluster` gives it.
    """
    if restorer.administrator is None:
        return
    with session(restorer.administrator.target.database(database), WRITING, "verify") as server:
        _give_extensions(server, restorer)
        names = {"group": _group(restorer), "restorer": identifier(restorer.params["user"])}
        server.execute(
            statement("GRANT CREATE ON DATABASE {name} TO {group}, {restorer}", name=identifier(database), **names)
        )
        server.execute(statement("GRANT CREATE ON SCHEMA public TO {group}", **names))
        server.execute(
            statement("ALTER DEFAULT PRIVILEGES FOR ROLE {restorer} GRANT CREATE ON SCHEMAS TO {group}", **names)
        )
        for (name,) in server.rows(_TABLESPACES):
            server.execute(statement("GRANT CREATE ON TABLESPACE {name} TO {group}", name=identifier(name), **names))


@contextmanager
def extending(copy: Target) -> Iterator[Session]:
    """A session that may create extensions in a database that has nothing but schemas.

    :raises VerificationFailed: there is more, which the script of an extension could take for its own.
    """
    if copy.administrator is None:
        with session(copy, WRITING, "extensions") as server:
            yield server
        return
    with session(copy.administrator.target.database(copy.dbname), WRITING, "extensions") as server:
        if server.value(_OBJECTS):
            raise VerificationFailed("has objects among its schemas, so no extension is created beside them")
        yield server
        _give_extensions(server, copy)


def _give_extensions(server: Session, restorer: Target) -> None:
    server.execute(_EXTENSIONS_TO, (restorer.params["user"],))
    for (name,) in server.rows(_WRAPPERS):
        server.execute(
            statement(
                "GRANT USAGE ON FOREIGN DATA WRAPPER {name} TO {group}", name=identifier(name), group=_group(restorer)
            )
        )


def settle(restorer: Target, database: str) -> None:
    """Take the rights back that only restoring needs, which are not in the backup; nothing for any other role."""
    if restorer.administrator is None:
        return
    with session(restorer.administrator.target.database(database), WRITING, "verify") as server:
        server.execute(_EXTENSIONS_TO, (restorer.administrator.extension_owner,))
        server.execute(statement("DROP OWNED BY {group}", group=_group(restorer)))
        server.execute(
            statement(
                "REVOKE ALL ON DATABASE {name} FROM {restorer}",
                name=identifier(database),
                restorer=identifier(restorer.params["user"]),
            )
        )
