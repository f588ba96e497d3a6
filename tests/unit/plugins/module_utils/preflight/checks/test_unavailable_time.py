# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The time without writes, against what is allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import unavailable_time
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

BOTH, COPIED, FOLLOWED = "read_only+closed", "closed+copied", "followed+closed"


def _most(seconds: float, fence: str = BOTH, foreseen: float | None = 90.0) -> list[str]:
    found = tuple(
        replace(one, without_writes=foreseen) if one.kind == BOTH else one for one in FACTS.predictions
    )
    limit = replace(requests.THRESHOLDS, max_unavailable=seconds)
    facts = replace(FACTS, thresholds=limit, fence=fence, predictions=found)
    return [problem.severity for problem in unavailable_time.check(facts)]


def test_longer_than_allowed_is_an_error() -> None:
    assert _most(89)[0] == "error"
    assert _most(90) == ["warning"]
    assert _most(135) == []


@pytest.mark.parametrize(("seconds", "refused"), [(4.4, True), (4.5, False)])
def test_every_fence_is_held_against_the_limit(seconds: float, refused: bool) -> None:
    assert ("error" in _most(seconds, COPIED)) is refused


def test_a_refusal_lists_every_fence_with_its_prediction_and_what_it_needs() -> None:
    facts = replace(FACTS, thresholds=replace(requests.THRESHOLDS, max_unavailable=3.0))
    refused, *ways = [problem.told for problem in unavailable_time.check(facts)]
    assert refused == (
        "app would be without writes for 1 min 30 s to 2 min 15 s before the migration itself with the fence "
        "read_only+closed (as it was asked for); at most 3.0 s are allowed. Allow more "
        "(pg_migrate_thresholds.max_unavailable), or choose another way of these."
    )
    assert ways == [
        "closed+copied: about 4.5 s without writes and without service (assumed rates); it needs "
        "max_unavailable: 5 or more; copying is not allowed.",
        "read_only+closed: 1 min 30 s to 2 min 15 s without writes, about 0.5 s without service (the last backup); "
        "it needs max_unavailable: 90 or more.",
        "followed+closed: not possible, since wal_level is replica (set it).",
    ]


def test_what_was_never_measured_is_a_warning_where_there_is_a_limit() -> None:
    assert _most(1, foreseen=None) == ["warning"]
    assert _most(0, foreseen=None) == []


def test_what_cannot_be_done_is_left_to_its_own_check() -> None:
    assert _most(1, FOLLOWED) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(unavailable_time.check(FACTS)) == []
