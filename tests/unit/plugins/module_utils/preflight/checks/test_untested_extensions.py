# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extensions that take more than a dump."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import untested_extensions
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


@pytest.mark.parametrize("name", ["pg_cron", "timescaledb"])
def test_one_that_nobody_has_tried_is_refused(name: str) -> None:
    wanted = replace(FACTS.wanted, extensions={name: "1.0", "plpgsql": "1.0"})
    (problem,) = untested_extensions.check(replace(FACTS, wanted=wanted))
    assert (problem.check, problem.severity) == ("untested_extensions", "error")
    assert name in problem.what


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(untested_extensions.check(FACTS)) == []
