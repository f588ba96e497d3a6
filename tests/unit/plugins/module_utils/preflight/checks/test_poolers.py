# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pooler in the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import poolers
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


@pytest.mark.parametrize(("mode", "severity"), [("transaction", "error"), ("session", "warning")])
def test_a_pooler_is_told_with_the_way_around_it(mode: str, severity: str) -> None:
    (problem,) = poolers.check(replace(FACTS, pooler=mode))
    assert (problem.check, problem.severity) == ("poolers", severity)
    assert "login_host" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(poolers.check(FACTS)) == []
