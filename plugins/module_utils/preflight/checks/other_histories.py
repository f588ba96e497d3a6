# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another migration tool keeps a history in the database, which a baseline takes over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...errors import Problem
from .check import Facts

# By the name of the tool, the query for its newest file. It is printed and not run: the owner of the table could have
# planted code that reading the table executes.
_NEWEST: Mapping[str, str] = {
    "Flyway": "SELECT script FROM {table} WHERE success ORDER BY installed_rank DESC LIMIT 1",
    "golang-migrate": "SELECT version, dirty FROM {table}",
    "dbmate or Rails": "SELECT max(version) FROM {table}",
    "Sqitch": "SELECT change FROM {table} ORDER BY committed_at DESC LIMIT 1",
}


def check(facts: Facts) -> Iterator[Problem]:
    for tool, table in facts.other_histories:
        yield Problem(
            "other_histories",
            "info",
            f"{table} is a history of {tool}, and the database has none of this collection.",
            f"To go on with the same files, look at the newest one ({_NEWEST[tool].format(table=table)}) and set "
            "pg_migrate_baseline: FILE once: the files up to it are recorded and not run.",
        )
