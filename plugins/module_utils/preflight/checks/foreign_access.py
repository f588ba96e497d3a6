# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Foreign tables and dblink in a copy reach the real servers, as the original does."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    servers = [f"the foreign server {name}" for name in facts.wanted.foreign_servers]
    ways = servers + ["the extension dblink"] * ("dblink" in facts.wanted.extensions)
    if ways:
        yield Problem(
            "foreign_access",
            "warning",
            f"In {facts.wanted.of} there is {', '.join(ways)}: a restored copy reads and writes the real foreign "
            "servers; its materialized views do so as soon as they are refreshed.",
            "A restore does not change those servers; back them up separately.",
        )
