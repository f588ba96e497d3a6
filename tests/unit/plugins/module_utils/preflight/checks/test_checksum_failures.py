# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Damaged pages that the server has met."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import checksum_failures
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_counted_failure_is_an_error() -> None:
    (problem,) = checksum_failures.check(replace(FACTS, checksum_failures=3))
    assert (problem.check, problem.severity) == ("checksum_failures", "error")


def test_a_server_that_counted_none_is_no_problem() -> None:
    assert list(checksum_failures.check(replace(FACTS, checksum_failures=0))) == []


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(checksum_failures.check(FACTS)) == []
