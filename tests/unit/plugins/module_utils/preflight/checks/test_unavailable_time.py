# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The time without writes, against what is allowed."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.fence.run import BOTH, CLOSED
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import unavailable_time
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def _most(seconds: float, foreseen: float | None = 90.0, fence: str = BOTH) -> list[str]:
    facts = replace(
        FACTS,
        thresholds=replace(requests.THRESHOLDS, max_unavailable=seconds),
        unavailable_seconds=foreseen,
        fence=fence,
    )
    return [problem.severity for problem in unavailable_time.check(facts)]


def test_longer_than_allowed_is_an_error() -> None:
    assert _most(89) == ["error"]
    assert _most(90) == ["warning"]
    assert _most(135) == []


def test_what_was_never_measured_is_a_warning_where_there_is_a_limit() -> None:
    assert _most(1, None) == ["warning"]
    assert _most(0, None) == []


def test_without_a_read_only_stage_there_is_nothing_to_foresee() -> None:
    assert _most(1, fence=CLOSED) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(unavailable_time.check(FACTS)) == []
