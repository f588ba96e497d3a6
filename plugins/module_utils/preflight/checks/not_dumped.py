# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""User objects among the system's objects, or changes to the latter: no dump has them, so no rollback restores them."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import first_few
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.not_dumped:
        yield Problem(
            "not_dumped",
            "error",
            f"A dump of {facts.database} leaves out, so a rollback cannot restore: {first_few(facts.not_dumped)}.",
            "Create them again in a schema of the database, under another name (a text search configuration: "
            "CREATE TEXT SEARCH CONFIGURATION public.… (COPY = …)). If they may be lost: pg_migrate_waive: "
            "{checks: {not_dumped: REASON}}",
        )
