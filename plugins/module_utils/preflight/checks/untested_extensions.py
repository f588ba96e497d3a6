# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extensions that need more than a dump and a restore; restoring them is not tested."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import ServerFacts

_REASONS = {
    "pg_cron": "a server can have it in one database only, so a copy beside the live one cannot have it",
    "timescaledb": "its restore must be enclosed in timescaledb_pre_restore() and timescaledb_post_restore(), and COPY "
    "of a hypertable reads no row",
}


def check(facts: ServerFacts) -> Iterator[Problem]:
    for name, reason in _REASONS.items():
        if name in facts.wanted.extensions:
            yield Problem(
                "untested_extensions",
                "error",
                f"The extension {name} of {facts.wanted.of}: {reason}. Restoring it is not tested, so it is refused.",
                f"Follow the documentation of {name}; the archive is an ordinary one of pg_dump.",
            )
