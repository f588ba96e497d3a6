# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The target is no container that ends with the play, and the guard with it."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.job_container:
        yield Problem(
            "execution_environment",
            "error",
            f"The target is the container of this job (its first process: {facts.job_container}). When the job ends or "
            "is cancelled, the guard ends with it, and no rollback follows; so may the backup.",
            "Let a host that stays be the target, such as a bastion that is reached by ssh. If you would rather take "
            "that upon yourself, with backup_root on a volume that stays: -e pg_migrate_accept_no_guard='the reason'.",
        )
