# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The room of a retained copy is named, and that there will be none."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import retained_copy
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_the_room_that_a_retained_copy_takes_is_named() -> None:
    (problem,) = retained_copy.check(replace(FACTS, keep_copy_seconds=86400.0))
    assert problem.severity == "info"
    assert f"10G of {FACTS.data_filesystem.path}" in problem.what


def test_a_copy_that_is_not_made_cannot_be_retained() -> None:
    (problem,) = retained_copy.check(replace(FACTS, keep_copy_seconds=60.0, proof="temporary_instance"))
    assert problem.severity == "warning"


def test_it_is_silent_where_no_copy_is_to_stay() -> None:
    assert list(retained_copy.check(FACTS)) == []
