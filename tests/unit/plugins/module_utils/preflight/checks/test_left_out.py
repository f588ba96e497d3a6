# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dump leaves out without a word."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import left_out
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_what_would_be_lost_is_an_error() -> None:
    (problem,) = left_out.check(replace(FACTS, left_out=("subscription far",)))
    assert (problem.check, problem.severity) == ("left_out", "error")
    assert "subscription far" in problem.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(left_out.check(FACTS)) == []
