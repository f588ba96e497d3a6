# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that changed the database and never ended is finished first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ... import playbooks
from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for backup_dir in facts.runs_at_work:
        yield Problem(
            "unfinished_run",
            "error",
            f"The run with the backup {backup_dir} is at work on {facts.database} just now.",
            "Wait for it to end.",
        )
    for backup_dir in facts.unfinished_runs:
        yield Problem(
            "unfinished_run",
            "error",
            f"The run with the backup {backup_dir} has changed {facts.database} and did not end: it was interrupted, "
            "or its rollback failed.",
            f"Roll it back first: {playbooks.rolling_back(backup_dir)} If a person has fixed the database by other "
            f"means, record that: {playbooks.deciding(_run_of(backup_dir), 'mark_resolved')}",
        )


def _run_of(backup_dir: str) -> str:
    return Path(backup_dir).name.removeprefix("migration_")
