# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pooler in transaction mode gives each transaction another session: locks, settings and snapshots get lost."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts

_REMEDY = "Connect to the server itself: login_host, and login_port (5432, where the pooler has 6432)."


def check(facts: Facts) -> Iterator[Problem]:
    if facts.pooler == "transaction":
        yield Problem(
            "poolers",
            "error",
            "The connection goes through a pooler in transaction mode: the session that holds the locks, the snapshot "
            "and the settings could be given to another client.",
            f"{_REMEDY} Then let the pooler make new sessions (PgBouncer: RECONNECT).",
        )
    elif facts.pooler == "session":
        yield Problem(
            "poolers",
            "warning",
            "The connection goes through a pooler: it must accept other database names, and it keeps pooled sessions "
            "of a database that has been renamed.",
            _REMEDY,
        )
