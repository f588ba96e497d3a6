# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for a restored copy beside the live database, and for its log."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import data_disk
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Facts
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS, GIB

NEEDED = FACTS.bytes_needed


def _free(count: int | None, stated: int | None = None) -> Facts:
    return replace(FACTS, data_filesystem=Filesystem("/data", count, 2), stated_free_bytes=stated)


def test_too_little_room_for_a_copy_and_its_log_is_an_error() -> None:
    (problem,) = data_disk.check(_free(NEEDED - 1))
    assert (problem.check, problem.severity) == ("data_disk", "error")
    assert problem.what.startswith("/data has ")
    assert list(data_disk.check(_free(NEEDED))) == []


def test_a_log_on_another_disk_takes_no_room_here() -> None:
    elsewhere = replace(FACTS.wal, filesystem=Filesystem("/wal", GIB, 3))
    assert list(data_disk.check(replace(_free(FACTS.wanted.bytes), wal=elsewhere))) == []


def test_where_the_disk_cannot_be_seen_a_stated_number_counts() -> None:
    assert [problem.severity for problem in data_disk.check(_free(None, NEEDED - 1))] == ["error"]
    assert list(data_disk.check(_free(None, NEEDED))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(data_disk.check(FACTS)) == []
