# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether every tool of a run gets into the databases that it makes: an empty one of such a name is made and dropped.

pg_hba.conf and the pgpass file have their lines by database, and only a connection shows which apply.
https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from .. import names
from ..errors import Interrupted, PgsafeError
from ..model import Target
from ..ports import commands, signals
from ..ports.database import WRITING, Session, application_name, environment, identifier, literal, session, statement
from ..postgres import pg_tools, queries

# The comment of the empty database, in case a killed preflight leaves it.
MARK = "pgsafe: made by a preflight to test access"

_PURPOSE = "probe"
_STAMP, _STAMP_LENGTH = "%Y%m%d_%H%M%S", 15
_SECONDS = 30.0

# A session that holds a lock on a shared catalog is reported, and not waited for.
_SETTINGS = {**WRITING, "lock_timeout": "10s"}


def problems(target: Target, tools: pg_tools.Tools | None) -> tuple[str, ...]:
    """What kept psycopg2 or a client tool out, or the empty database from being made or dropped; a sentence each.

    :param tools: None where there are none.
    :raises Interrupted: a signal asked for an end; the empty database is dropped.
    """
    name = names.beside(target.dbname, "scratch", time.strftime(_STAMP, time.gmtime()))
    try:
        with signals.raised("The preflight"), session(target.maintenance, _SETTINGS, _PURPOSE) as server:
            return tuple(_tried(server, target.database(name), tools))
    except Interrupted:
        raise
    except PgsafeError as error:
        return (f"Could not finish testing who can connect to a database {name}: {error.what}",)


def left(server: Session, database: str) -> tuple[str, ...]:
    """The empty databases that killed preflights of this database have left, while no preflight is at work."""
    found = [name for (name,) in server.rows(queries.LEFT_PROBES, (MARK, application_name(_PURPOSE)))]
    return tuple(name for name in found if name == names.beside(database, "scratch", name[-_STAMP_LENGTH:]))


def _tried(server: Session, scratch: Target, tools: pg_tools.Tools | None) -> Iterator[str]:
    with signals.made(partial(_created, server, scratch.dbname), partial(_dropped, server)) as created:
        name = identifier(created)
        server.execute(statement("COMMENT ON DATABASE {name} IS {mark}", name=name, mark=literal(MARK)))
        for tool, attempt in _attempts(scratch, tools):
            try:
                attempt()
            except Interrupted:
                raise
            except PgsafeError as error:
                yield f"{tool} could not connect: {error.what}"


def _created(server: Session, name: str) -> str:
    server.execute(statement("CREATE DATABASE {name} TEMPLATE template0", name=identifier(name)))
    return name


def _dropped(server: Session, name: str) -> None:
    server.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(name)))


def _attempts(scratch: Target, tools: pg_tools.Tools | None) -> Iterator[tuple[str, Callable[[], object]]]:
    yield f"psycopg2 to the database {scratch.dbname}", lambda: _connect(scratch)
    if tools is None:
        return
    psql, dump = pg_tools.run_script(tools, [], False, ["SELECT 1"]), pg_tools.dump_nothing(tools)
    restore = pg_tools.restore_nothing(tools, scratch.dbname)
    every = pg_tools.globals_only(tools, scratch.maintenance_db)
    yield f"psql to the database {scratch.dbname}", lambda: commands.run(_command(psql, scratch))
    yield (
        f"pg_dump or pg_restore to the database {scratch.dbname}",
        lambda: commands.read_through(_command(dump, scratch), _command(restore, scratch), len),
    )
    yield (
        f"pg_dumpall to the database {scratch.maintenance_db}",
        lambda: commands.run(_command(every, scratch.maintenance)),
    )


def _connect(scratch: Target) -> None:
    with session(scratch, purpose=_PURPOSE):
        return


def _command(argv: tuple[str, ...], target: Target) -> commands.Command:
    return commands.Command(argv, environment(target, purpose=_PURPOSE), time_limit=_SECONDS)
