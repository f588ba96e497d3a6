# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pg_hba.conf and .pgpass let every tool into a database of the scratch name, and into the maintenance database."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for problem in facts.access_problems:
        yield Problem(
            "scratch_access",
            "error",
            problem,
            f"A run creates databases whose names begin with {facts.database}__: pg_hba.conf and the pgpass file need "
            "lines that match them (all, or since 16 a regular expression) for this role and host; then "
            "SELECT pg_reload_conf()",
        )
