# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pooler between us and the server: whether there is one, and whether each transaction may get another session.

A pooler tells a client a process id of its own making, for cancel requests.
https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-BACKENDKEYDATA
"""

from __future__ import annotations

from ..ports.database import Session, session

NONE, SESSION, TRANSACTION = "none", "session", "transaction"

# By turns, a pooler that gives out its sessions in turn changes ours.
_TIMES = 3

_PID = "SELECT pg_catalog.pg_backend_pid()"


def mode(reader: Session) -> str:
    """
    :param reader: a session in no transaction.
    :raises ConnectionFailed: a second session cannot be had.
    """
    if reader.value(_PID) == reader.pid:
        return NONE
    with session(reader.target, purpose="pooler") as other:
        # Each question is a transaction of its own, so that neither waits for the other where there is only one.
        asked = [(reader.value(_PID), other.value(_PID)) for _time in range(_TIMES)]
        ours, theirs = ({pids[number] for pids in asked} for number in (0, 1))
        if len(ours) == len(theirs) == 1 and ours != theirs:
            return SESSION
        forget_settings(other)
    return TRANSACTION


def forget_settings(shared: Session) -> None:
    """What we set would stick to sessions that others are given next; as far as those can be had again, it is reset."""
    for _time in range(_TIMES):
        shared.execute("RESET ALL")
