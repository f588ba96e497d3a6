# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for three formats on the filesystem of the backup."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.report import size


def check(facts: Facts) -> Iterator[Problem]:
    free = facts.backup_filesystem.free_bytes
    needed = int(facts.database_bytes * facts.disk_factor)
    shared = facts.restore_level and facts.backup_filesystem.device == facts.data_filesystem.device
    if shared and facts.data_filesystem.device is not None:
        needed += facts.database_bytes
    if free is not None and free < needed:
        also = " and for a restored copy on the same filesystem" if shared else ""
        yield Problem(
            "backup_disk",
            "error",
            f"{facts.backup_filesystem.path} has {size(free)} free; {size(needed)} are needed for a backup of "
            f"{size(facts.database_bytes)} in three formats{also}.",
            f"Free space (df -h {facts.backup_filesystem.path}), choose another backup_root, or lower disk_factor.",
        )
