# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that changed the database and never ended is finished first."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem


def check(facts: Facts) -> Iterator[Problem]:
    for backup_dir in facts.unfinished_runs:
        yield Problem(
            "unfinished_run",
            "error",
            f"The run that took the backup {backup_dir} was interrupted while it was changing {facts.database}.",
            f"Roll it back first: ansible-playbook pgsafe.migration.rollback -e pg_migrate_backup_dir={backup_dir}",
        )
