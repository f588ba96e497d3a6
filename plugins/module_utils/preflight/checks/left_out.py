# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dump by a role that is not a superuser silently leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.left_out:
        yield Problem(
            "left_out",
            "error",
            f"A dump by the role {facts.role.name} would silently omit: {', '.join(facts.left_out)}.",
            "Connect as a superuser, or drop what is listed.",
        )
