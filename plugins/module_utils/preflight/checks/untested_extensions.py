# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extensions that need more than a dump and a restore; restoring them is not tested."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import ServerFacts

_REASONS = {
    "pg_cron": "it lives in one database of the server, so no copy beside the live one can have it",
    "timescaledb": "a restore of it wants timescaledb_pre_restore() and timescaledb_post_restore() around it, and COPY "
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
