# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The target is no container that ends with the play, and the guard with it."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.job_container:
        yield Problem(
            "execution_environment",
            "error",
            f"The target is the container of this job (its first process: {facts.job_container}). When the job ends or "
            "is cancelled, the guard ends with it, so no rollback follows, and the backup may be lost too.",
            "Use a host that stays as the target, such as a bastion reached by ssh. To accept the risk, with "
            "backup_root on a persistent volume: pg_migrate_waive: {checks: {execution_environment: REASON}}",
        )
