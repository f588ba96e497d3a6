# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No row-level security hides rows from the role: a backup without them would not be whole."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.hidden_rows:
        yield Problem(
            "row_level_security",
            "error",
            f"Row-level security hides rows from the role {facts.role.name} in {', '.join(facts.hidden_rows)}.",
            f"ALTER ROLE {quoted(facts.role.name)} BYPASSRLS, or connect as the owner of the tables. FORCE ROW LEVEL "
            "SECURITY hides rows from the owner, too: "
            + "; ".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" for table in facts.hidden_rows),
        )
