# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions that wait for a lock: what blocks them may also block a backup or a migration."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts, LockWait


def check(facts: Facts) -> Iterator[Problem]:
    for wait in facts.lock_waits:
        yield Problem(
            "lock_waits",
            "warning",
            f"pid {wait.pid} ({wait.user}) has waited {wait.seconds} s for a lock{_on(wait)}, blocked by {_who(wait)}.",
            _remedy(wait),
        )


def _on(wait: LockWait) -> str:
    return f" on {wait.table}" if wait.table else ""


def _who(wait: LockWait) -> str:
    holders = [f"pid {pid}" if pid else "a prepared transaction" for pid in wait.holders]
    return ", ".join(holders) or "a session that has ended"


def _remedy(wait: LockWait) -> str:
    ending = "; ".join(f"SELECT pg_terminate_backend({pid})" for pid in wait.holders if pid)
    return f"Let it finish, or end it: {ending}" if ending else "See: SELECT gid FROM pg_prepared_xacts"
