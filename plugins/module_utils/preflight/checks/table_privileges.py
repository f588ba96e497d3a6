# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role may read every table, sequence and large object, or pg_dump fails half-way."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from ...text import first_few
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.unreadable:
        yield Problem(
            "table_privileges",
            "error",
            f"The role {facts.role.name} may not read {first_few(facts.unreadable)}.",
            "Connect as the owner (large objects take it) or as a superuser, or have the owner GRANT SELECT on these, "
            f"and USAGE on their schemas, to {quoted(facts.role.name)}.",
        )
