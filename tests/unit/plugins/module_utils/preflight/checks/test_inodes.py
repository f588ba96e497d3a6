# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file for each table of a backup, several for each of a copy."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import inodes
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_each_disk_with_too_few_inodes_is_an_error() -> None:
    few = replace(
        FACTS,
        backup_filesystem=replace(FACTS.backup_filesystem, free_inodes=FACTS.backup_size.files - 1),
        data_filesystem=replace(FACTS.data_filesystem, free_inodes=FACTS.relations - 1),
    )
    backups, data = inodes.check(few)
    assert (backups.check, backups.severity, data.severity) == ("inodes", "error", "error")
    assert "/backups has room for 19 more files; a backup has about 20" in backups.what
    assert "/data" in data.what


def test_what_is_never_restored_needs_none_for_a_copy() -> None:
    few = replace(FACTS, proof="none", data_filesystem=replace(FACTS.data_filesystem, free_inodes=0))
    assert list(inodes.check(few)) == []


def test_a_filesystem_without_a_limit_of_files_has_room() -> None:
    assert list(inodes.check(replace(FACTS, data_filesystem=replace(FACTS.data_filesystem, free_inodes=None)))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(inodes.check(FACTS)) == []
