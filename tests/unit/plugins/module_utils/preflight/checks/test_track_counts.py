# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that does not count what is written."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.fence.run import CLOSED
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import track_counts
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_it_is_an_error_where_a_read_only_fence_rests_on_it_alone() -> None:
    blind = replace(FACTS, track_counts=False)
    assert [problem.severity for problem in track_counts.check(blind)] == ["error"]
    assert list(track_counts.check(replace(blind, fence=CLOSED))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(track_counts.check(FACTS)) == []
