# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A prepared transaction prevents its database from being renamed, and can only be ended from inside it."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    live = facts.database
    for gid in facts.prepared_transactions:
        text = gid.replace("'", "''")
        yield Problem(
            "prepared_transactions",
            "error",
            f"The prepared transaction {gid} is open in {live} and prevents the database from being renamed.",
            f"In {live}: ROLLBACK PREPARED '{text}' (or COMMIT PREPARED '{text}')",
        )
