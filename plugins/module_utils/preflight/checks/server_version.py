# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL 14 or later; older ones lack what a safe rollback needs."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts

OLDEST = 14


def check(facts: Facts) -> Iterator[Problem]:
    if facts.server_version // 10000 < OLDEST:
        yield Problem(
            "server_version",
            "error",
            f"The server is PostgreSQL {facts.server_version_text}; {OLDEST} is the oldest that is supported.",
            "Upgrade the server first: https://www.postgresql.org/docs/current/upgrading.html",
        )
