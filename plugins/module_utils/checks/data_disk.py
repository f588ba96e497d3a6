# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for a restored copy beside the live database."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.report import size


def check(facts: Facts) -> Iterator[Problem]:
    disk = facts.data_filesystem
    if disk.free_bytes is None:
        yield Problem(
            "data_disk",
            "warning",
            f"The free space of the data directory cannot be seen; a rollback needs {size(facts.database_bytes)}.",
            "Look at it on the server: df -h \"$(psql -XAtc 'SHOW data_directory')\"",
        )
        return
    if disk.free_bytes < facts.database_bytes:
        yield Problem(
            "data_disk",
            "error",
            f"{disk.path} has {size(disk.free_bytes)} free; a restored copy beside the live database needs "
            f"{size(facts.database_bytes)}.",
            f"Free space: df -h {disk.path}",
        )
