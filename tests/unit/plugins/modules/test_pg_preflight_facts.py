# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The preflight's failure tells every problem at once."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import Preflight, problems_of
from ansible_collections.pgsafe.migration.plugins.modules.pg_preflight_facts import PreflightFailed
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_errors_are_numbered_and_the_facts_hold_the_warnings_too() -> None:
    bad = replace(
        FACTS, standby=True, subscriptions=("s",), data_filesystem=replace(FACTS.data_filesystem, free_bytes=None)
    )
    failed = PreflightFailed(Preflight(bad, problems_of(bad)))
    assert failed.what.startswith("2 problems stand in the way of a safe migration:\n  1. The server is a standby")
    assert "\n  2. The subscription s" in failed.what
    listed = failed.facts()["problems"]
    assert [problem["severity"] for problem in listed] == ["error", "warning", "error"]
    assert set(listed[0]) == {"check", "severity", "what", "remedy"}


def test_a_single_error_is_told_in_the_singular() -> None:
    bad = replace(FACTS, standby=True)
    assert PreflightFailed(Preflight(bad, problems_of(bad))).what.startswith("1 problem stands in the way")
