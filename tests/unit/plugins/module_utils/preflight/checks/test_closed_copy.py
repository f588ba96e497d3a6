# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fence that copies files is refused where they cannot be copied, or not in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import closed_copy
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import ClosedCopy
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


@pytest.mark.parametrize(
    ("copy", "told"),
    [
        (ClosedCopy(why_not="the disk is full"), "cannot be copied when it is closed: the disk is full."),
        (ClosedCopy(seconds=61.0), "would take about 1 min 1 s"),
        (ClosedCopy(seconds=60.0), ""),
        (ClosedCopy(cloned=True, seconds=2.0), ""),
    ],
)
def test_what_cannot_be_copied_in_time_is_an_error(copy: ClosedCopy, told: str) -> None:
    found = list(closed_copy.check(replace(FACTS, fence=COPIED, closed_copy=copy)))
    assert [(problem.severity, told in problem.what) for problem in found] == ([("error", True)] if told else [])


def test_it_is_silent_about_another_fence() -> None:
    assert list(closed_copy.check(replace(FACTS, closed_copy=ClosedCopy(why_not="the disk is full")))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(closed_copy.check(FACTS)) == []
