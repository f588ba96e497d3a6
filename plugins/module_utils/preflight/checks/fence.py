# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A role's own setting beats the read-only default of the database, which is the fence's first stage."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for role in facts.roles_that_write:
        yield Problem(
            "fence",
            "error",
            f"The role {role} has default_transaction_read_only = off as a setting of its own, so the read-only fence "
            "would not keep it from writing.",
            f'ALTER ROLE "{role}" RESET default_transaction_read_only (and the same IN DATABASE, where it is '
            "set there), or choose another kind of fence.",
        )
