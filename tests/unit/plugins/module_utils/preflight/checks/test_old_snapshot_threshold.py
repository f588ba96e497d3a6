# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that throws away what a snapshot needs."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import old_snapshot_threshold
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_any_threshold_is_an_error() -> None:
    (problem,) = old_snapshot_threshold.check(replace(FACTS, old_snapshot_threshold="1h"))
    assert (problem.check, problem.severity) == ("old_snapshot_threshold", "error")


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(old_snapshot_threshold.check(FACTS)) == []
