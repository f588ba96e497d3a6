# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup is expected to need, and what is restored on the same disk."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import backup_disk
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Facts
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS, GIB

BACKUP = int(FACTS.backup_size.bytes * 1.2)


def _free(count: int, device: int | None = 1) -> Facts:
    return replace(FACTS, backup_filesystem=Filesystem("/backups", count, device))


def test_less_than_the_expected_size_and_its_factor_is_an_error_that_says_what_it_rests_on() -> None:
    (problem,) = backup_disk.check(_free(BACKUP - 1))
    assert (problem.check, problem.severity) == ("backup_disk", "error")
    assert "in three formats is expected to need 9.6G (estimated from a sample of the data)" in problem.what
    assert list(backup_disk.check(_free(BACKUP))) == []


def test_a_lower_factor_needs_less() -> None:
    half = replace(_free(5 * GIB), thresholds=replace(requests.THRESHOLDS, disk_factor=0.5))
    assert list(backup_disk.check(half)) == []


def test_a_copy_beside_the_live_database_needs_room_and_so_does_its_log_on_the_same_disk() -> None:
    copy = FACTS.bytes_needed
    assert copy == FACTS.wanted.bytes + FACTS.wal.most_bytes
    shared = replace(_free(BACKUP + copy - 1), data_filesystem=Filesystem("/data", 99 * GIB, 1))
    log = replace(shared.wal, filesystem=Filesystem("/data/pg_wal", 99 * GIB, 1))
    shared = replace(shared, wal=log)
    (problem,) = backup_disk.check(shared)
    assert "and 11G for the restored copy on the same disk" in problem.what
    enough = replace(shared, backup_filesystem=Filesystem("/backups", BACKUP + copy, 1))
    assert list(backup_disk.check(enough)) == []


def test_a_temporary_instance_for_the_proof_needs_room_where_it_is() -> None:
    place = Filesystem("/backups", 12 * GIB, 1)
    apart = replace(_free(12 * GIB), proof="temporary_instance", proof_filesystem=place)
    assert [problem.check for problem in backup_disk.check(apart)] == ["backup_disk"]
    elsewhere = replace(apart, proof_filesystem=replace(place, device=3))
    assert list(backup_disk.check(elsewhere)) == []
    small = replace(apart, proof_filesystem=Filesystem("/place", FACTS.wanted.bytes - 1, 3))
    (problem,) = backup_disk.check(replace(small, backup_filesystem=FACTS.backup_filesystem))
    assert problem.what.startswith("/place has ")
    assert "pg_migrate_instance.directory" in problem.remedy


def test_a_disk_that_cannot_be_seen_is_left_to_the_check_of_the_backup_root() -> None:
    assert list(backup_disk.check(replace(FACTS, backup_filesystem=Filesystem("/none", None, None)))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(backup_disk.check(FACTS)) == []
