# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Room for a restored copy beside the live database."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import data_disk
from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Filesystem
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS, GIB


def test_too_little_room_for_a_copy_is_an_error() -> None:
    (problem,) = data_disk.check(replace(FACTS, data_filesystem=Filesystem("/data", 10 * GIB - 1, 2)))
    assert problem.severity == "error"
    assert problem.what.startswith("/data has ")


def test_room_for_exactly_a_copy_is_enough() -> None:
    assert list(data_disk.check(replace(FACTS, data_filesystem=Filesystem("/data", 10 * GIB, 2)))) == []


def test_a_disk_that_cannot_be_seen_is_a_warning_with_the_command_that_shows_it() -> None:
    (problem,) = data_disk.check(replace(FACTS, data_filesystem=Filesystem("the data directory", None, None)))
    assert problem.severity == "warning"
    assert "df -h" in problem.remedy
