# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A standby is read-only: a database cannot be restored there."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    if facts.standby:
        follows = f" It follows {facts.followed}." if facts.followed else ""
        yield Problem(
            "standby",
            "error",
            f"The server is a standby, which is read-only.{follows}",
            "Connect to the primary, and list no standby in the inventory.",
        )
