# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No function of another role runs with the rights of the connecting role, unless its owner is trusted as much."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import first_few
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.owner_code:
        rights = "as the superuser" if facts.role.superuser else "as"
        yield Problem(
            "owner_code",
            "error",
            f"Reading {facts.wanted.of} or restoring a backup of it runs functions of other roles {rights} "
            f"{facts.role.name}: {first_few([code.described for code in facts.owner_code])}.",
            "Read these functions, or connect as their owner. If the owners may do whatever "
            f"{facts.role.name} may: pg_migrate_connection.trust_owner: true",
        )
