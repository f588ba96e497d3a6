# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of a closed database by its files: equal by construction, and made in about a second where they are cloned.

It holds every write up to the closing, which the backup of an open database does not. The server forces a checkpoint
before the copy and one after it. https://www.postgresql.org/docs/current/sql-createdatabase.html
"""

from __future__ import annotations

from typing import Any

from ..errors import PgsafeError, QueryFailed, Refused
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Target
from ..ports import signals
from ..ports.database import Session, identifier, literal, session, statement
from ..postgres import cutover
from . import copy as copies
from .copy import Ready

# The first release with CREATE DATABASE … STRATEGY, and the first with the setting file_copy_method.
_SINCE_STRATEGY, _SINCE_CLONE = 150000, 180000
_CANCELLED = "57014"

# The server cancels the copy when its client dies, so that the original can be renamed back.
_SETTINGS = {**cutover.DURABLE, "client_connection_check_interval": "500ms"}


def make(target: Target, origin: str, name: str, run_journal: Journal, seconds: float) -> Ready:
    """Copy the files of a database that nobody is connected to, and keep the copy closed.

    :param origin: its name of now.
    :param seconds: how long it may take.
    :raises Refused: it took longer.
    :raises PgsafeError: it could not be made; nothing of it is left.
    """
    run_journal.append(Event.COPYING, name=name)
    try:
        with signals.deferred():
            _copied(target, origin, name, seconds)
        return copies.set_ready(target, name, run_journal, of_files=True)
    except PgsafeError as error:
        _dropped_after(target, run_journal, error)
        raise
    except BaseException:
        copies.drop_ready(target, run_journal)
        raise


def _dropped_after(target: Target, run_journal: Journal, error: PgsafeError) -> None:
    try:
        copies.drop_ready(target, run_journal)
    except PgsafeError as undo:
        error.joined(f"the copy of its files could not be dropped: {undo.what}")


def _copied(target: Target, origin: str, name: str, seconds: float) -> None:
    with session(target.maintenance, _SETTINGS, "copy files") as server:
        limit = literal(f"{max(1, int(seconds * 1000))}ms")
        server.execute(statement("SET statement_timeout = {limit}", limit=limit))
        strategy = "STRATEGY FILE_COPY" if server.version >= _SINCE_STRATEGY else ""
        create = statement(
            f"CREATE DATABASE {{name}} TEMPLATE {{origin}} {strategy}",
            name=identifier(name),
            origin=identifier(origin),
        )
        try:
            if not (server.version >= _SINCE_CLONE and _cloned(server, create)):
                server.execute(create)
        except QueryFailed as error:
            if error.sqlstate == _CANCELLED:
                raise _too_slow(origin, seconds) from error
            raise


def _cloned(server: Session, create: Any) -> bool:
    """Whether the server could clone; some servers copy the blocks where the filesystem cannot share them."""
    try:
        server.execute("SET file_copy_method = clone")
        server.execute(create)
    except QueryFailed as error:
        if error.sqlstate == _CANCELLED:
            raise
        server.execute("RESET file_copy_method")
        return False
    return True


def _too_slow(origin: str, seconds: float) -> Refused:
    return Refused(
        f"Copying the files of {origin} took longer than {seconds:g} s, and the database is closed meanwhile.",
        remedy="Choose pg_migrate_fence: read_only+closed, or a filesystem that clones files (XFS, Btrfs), or raise "
        "pg_migrate_limits.copy_timeout.",
    )
