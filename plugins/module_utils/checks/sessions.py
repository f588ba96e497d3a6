# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other sessions are ended before the migration; a long transaction may lose work."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem

_LONG_SECONDS = 300


def check(facts: Facts) -> Iterator[Problem]:
    if not facts.sessions:
        return
    shown = "; ".join(session.described for session in facts.sessions[:5])
    more = f"; and {len(facts.sessions) - 5} more" if len(facts.sessions) > 5 else ""
    yield Problem(
        "sessions",
        "warning",
        f"{len(facts.sessions)} other sessions of {facts.database} will be ended before the migration: {shown}{more}.",
        "Stop the application first if it does not reconnect by itself.",
    )
    for session in facts.sessions:
        if session.transaction_seconds > _LONG_SECONDS:
            yield Problem(
                "sessions",
                "warning",
                f"{session.described} has been in a transaction for {session.transaction_seconds} s.",
                f"Let it finish, or end it: SELECT pg_terminate_backend({session.pid})",
            )
