# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The database has the expected tables, and so is not a namesake or an empty one."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.missing_tables:
        yield Problem(
            "expected_tables",
            "error",
            f"{facts.database} lacks expected tables: {', '.join(facts.missing_tables)}.",
            "Check that it is the right database (login_db, login_host): psql -c '\\dt *.*'",
        )
    elif not facts.tables:
        yield Problem(
            "expected_tables",
            "warning",
            f"{facts.database} has no table at all.",
            "Check that it is the right database (login_db, login_host): psql -l",
        )
