# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fence for a database whose name cannot change: no other role may connect to it.

What it cannot promise: superusers connect all the same, so the application's role must not be one.
Privileges: https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .. import names
from ..errors import QueryFailed, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Target
from ..ports.database import Session, identifier, literal, session, statement
from ..postgres import cutover, properties, queries

_NOT_PERMITTED = "42501"


def close(target: Target, here: cutover.Here, run_id: str, run_journal: Journal) -> Target:
    """Take the right to connect from everybody, and end who is in; the way in that is left.

    A superuser needs no right. Anybody else gets a role of the run's own, which acts as the connecting one.

    :raises Refused: the application connects as a superuser, whom nothing keeps out.
    """
    name = next(iter(here.databases))
    with session(target.maintenance, cutover.DURABLE, "fence") as server:
        before = properties.read(server, name)
        superuser = server.row(queries.ROLE, (name,))[1]
        _require_no_superusers(server, name)
        user = str(server.value("SELECT SESSION_USER"))
        ours = "" if superuser else names.role_of_a_run(run_id)
        password = secrets.token_urlsafe(24)
        verifier = "" if superuser else server.verifier_of(ours, password)
        grants = [list(entry) for entry in before.acl] if before.acl is not None else None
        run_journal.append(Event.REVOKING, acl=grants, owner=before.owner, role=ours)
    try:
        cutover.apply(target, here, _closing(name, before.owner, before.acl, (ours, verifier, user)))
    except QueryFailed as error:
        if error.sqlstate == _NOT_PERMITTED:
            raise _cannot_act_as(user, error) from error
        raise
    with session(target.maintenance, cutover.DURABLE, "fence") as server:
        cutover.end_sessions(server, name)
    if superuser:
        return target
    return _acting_as(user, replace(target, params={**target.params, "user": ours, "password": password}))


def _acting_as(user: str, way_in: Target) -> Target:
    """Sessions of the run's own role are those of the one that it stands for, from their start."""
    return replace(way_in, startup={**way_in.startup, "role": user})


def _cannot_act_as(user: str, error: QueryFailed) -> Refused:
    """Since PostgreSQL 16 no role has the admin option on itself."""
    return Refused(
        f"The role {user} cannot make a login role that acts as itself, which the fence connect needs: {error.what}",
        remedy="Connect as a superuser, or use pg_migrate_fence: read_only+closed.",
    )


def way_in(target: Target, run_journal: Journal) -> Target:
    """The way into a database that is closed to the connecting role too: by the run's own role, with a new password."""
    begun = run_journal.last(Event.REVOKING)
    ours = begun.facts["role"] if begun else ""
    if not ours:
        return target
    password = secrets.token_urlsafe(24)
    with session(target.maintenance, cutover.DURABLE, "fence") as server:
        if not server.rows(queries.ROLE_OID, (ours,)):
            return target
        user = str(server.value("SELECT SESSION_USER"))
        verifier = literal(server.verifier_of(ours, password))
        server.execute(statement("ALTER ROLE {role} PASSWORD {secret}", role=identifier(ours), secret=verifier))
    return _acting_as(user, replace(target, params={**target.params, "user": ours, "password": password}))


def _require_no_superusers(server: Session, name: str) -> None:
    users = [user for (user,) in server.rows(queries.SUPERUSERS_OF_OTHERS, (name,))]
    if users:
        raise Refused(
            f"Superusers are connected to {name}, and the fence connect does not stop superusers: {', '.join(users)}.",
            remedy="Let the application connect as a role that is no superuser, or use pg_migrate_fence: "
            "read_only+closed.",
        )


def _closing(
    name: str, owner: str, acl: tuple[tuple[str, str, bool], ...] | None, role: tuple[str, str, str]
) -> Iterator[Any]:
    database = identifier(name)
    grantees = {"", owner, *[grantee for grantee, _privilege, _option in acl or ()]}
    for grantee in sorted(grantees):
        who = identifier(grantee) if grantee else statement("PUBLIC")
        yield statement("REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM {who} CASCADE", name=database, who=who)
    ours, verifier, user = role
    if ours:
        parts = {"role": identifier(ours), "user": identifier(user)}
        yield statement("CREATE ROLE {role} LOGIN PASSWORD {secret} IN ROLE {user}", secret=literal(verifier), **parts)
        yield statement("ALTER ROLE {role} IN DATABASE {name} SET role = {user}", name=database, **parts)
        yield statement("GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {role}", name=database, role=parts["role"])


def undo(server: Session, name: str, run_journal: Journal) -> None:
    """Give every right back, and drop the role; safe to repeat."""
    begun = run_journal.last(Event.REVOKING)
    if begun is None:
        return
    before = properties.read(server, name)
    acl = begun.facts["acl"]
    wanted = None if acl is None else tuple((grantee, right, bool(option)) for grantee, right, option in acl)
    with server.transaction():
        role = begun.facts["role"]
        there = bool(server.rows(queries.ROLE_OID, (role,)))
        for change in _giving_back(
            name, replace(before, acl=wanted, owner=begun.facts["owner"]), role if there else ""
        ):
            server.execute(change)


def _giving_back(name: str, wanted: Any, role: str) -> Iterator[Any]:
    database = identifier(name)
    if role:
        yield statement("REVOKE ALL ON DATABASE {name} FROM {role} CASCADE", name=database, role=identifier(role))
        yield statement("DROP ROLE IF EXISTS {role}", role=identifier(role))
    if wanted.acl is not None:
        yield from properties.grants(name, wanted)
        return
    # The default, https://www.postgresql.org/docs/current/ddl-priv.html#PRIVILEGES-SUMMARY-TABLE
    yield statement("GRANT CONNECT, TEMPORARY ON DATABASE {name} TO PUBLIC", name=database)
    yield statement("GRANT ALL ON DATABASE {name} TO {owner}", name=database, owner=identifier(wanted.owner))
