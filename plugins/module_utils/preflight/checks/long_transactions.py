# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A long transaction is ended by the fence, and loses its work."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for session in facts.sessions:
        if session.transaction_seconds > facts.thresholds.long_transaction:
            yield Problem(
                "long_transactions",
                "warning",
                f"{session.described} has been in a transaction for {session.transaction_seconds} s.",
                f"Let it finish, or end it: SELECT pg_terminate_backend({session.pid})",
            )
