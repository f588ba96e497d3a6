# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for three formats."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import backup_disk
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Filesystem
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS, GIB


def _free(count: int, device: int | None = 1) -> Filesystem:
    return Filesystem("/backups", count, device)


def test_less_than_the_factor_is_an_error() -> None:
    (problem,) = backup_disk.check(replace(FACTS, backup_filesystem=_free(20 * GIB - 1)))
    assert problem.severity == "error"
    assert "20G are needed" in problem.what


def test_exactly_the_factor_is_enough() -> None:
    assert list(backup_disk.check(replace(FACTS, backup_filesystem=_free(20 * GIB)))) == []


def test_a_lower_factor_needs_less() -> None:
    assert list(backup_disk.check(replace(FACTS, backup_filesystem=_free(5 * GIB), disk_factor=0.5))) == []


def test_a_restored_copy_on_the_same_filesystem_needs_room_too() -> None:
    shared = replace(FACTS, backup_filesystem=_free(29 * GIB), data_filesystem=Filesystem("/data", 29 * GIB, 1))
    (problem,) = backup_disk.check(shared)
    assert "and for a restored copy on the same filesystem" in problem.what
    assert list(backup_disk.check(replace(shared, restore_level=False))) == []
    assert list(backup_disk.check(replace(shared, backup_filesystem=_free(30 * GIB)))) == []


def test_a_filesystem_that_cannot_be_seen_is_left_to_its_other_check() -> None:
    assert list(backup_disk.check(replace(FACTS, backup_filesystem=Filesystem("/backups", None, None)))) == []
    unseen = replace(FACTS, backup_filesystem=_free(20 * GIB, None), data_filesystem=Filesystem("", None, None))
    assert list(backup_disk.check(unseen)) == []
