# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases that an interrupted DROP DATABASE or a killed preflight has left take room."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for name in facts.invalid_databases:
        yield Problem(
            "invalid_databases",
            "warning",
            f"The database {name} is invalid: dropping it was interrupted. It accepts no connections, and vacuumdb "
            "--all fails over it.",
            f"DROP DATABASE {quoted(name)}",
        )
    for name in facts.left_probes:
        yield Problem(
            "invalid_databases",
            "info",
            f"The empty database {name} was left by a preflight that was killed, or belongs to one at work.",
            f"DROP DATABASE {quoted(name)}",
        )
