# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room in the lock table for a backup, which locks every table twice."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    ours, capacity = 2 * facts.lockable_tables, facts.lock_capacity
    told = f"A backup locks each of {facts.lockable_tables:,} tables twice; the server has room for {capacity:,} locks"
    if facts.lockable_tables > capacity:
        yield Problem("lock_capacity", "error", f"{told}: pg_dump alone would not fit.", _remedy(ours))
    elif ours > capacity // 2 and not facts.read_only_fence:
        yield Problem(
            "lock_capacity",
            "error",
            f"{told}, and other sessions need some. Without a read-only fence a rewritten table would spoil "
            "the backup.",
            _remedy(ours),
        )
    elif ours > capacity // 2:
        yield Problem(
            "lock_capacity",
            "warning",
            f"{told}, and other sessions need some. So only pg_dump takes locks, and the backup checks later whether a "
            "table was rewritten.",
            _remedy(ours),
        )


def _remedy(ours: int) -> str:
    return (
        f"To make room for {2 * ours:,} locks, raise max_locks_per_transaction by ALTER SYSTEM SET, and restart the "
        "server. The room is that setting times (max_connections + max_prepared_transactions)."
    )
