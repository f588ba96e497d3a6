# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions of the database that will be replaced: they are terminated."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import ServerFacts

_MOST = 5


def check(facts: ServerFacts) -> Iterator[Problem]:
    if not facts.sessions:
        return
    shown = "; ".join(session.described for session in facts.sessions[:_MOST])
    more = f"; and {len(facts.sessions) - _MOST} more" if len(facts.sessions) > _MOST else ""
    yield Problem(
        "sessions",
        "info",
        f"{len(facts.sessions)} sessions of {facts.database} will be terminated: {shown}{more}.",
        "Stop the application first if it does not reconnect automatically.",
    )
