# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A prepared transaction keeps its locks, and no database with one can be renamed."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem


def check(facts: Facts) -> Iterator[Problem]:
    for gid in facts.prepared_transactions:
        yield Problem(
            "prepared_transactions",
            "error",
            f"The prepared transaction {gid} is open in {facts.database}: no rollback could replace the database.",
            f"In {facts.database}: COMMIT PREPARED '{gid}' or ROLLBACK PREPARED '{gid}'",
        )
