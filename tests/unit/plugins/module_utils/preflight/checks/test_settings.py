# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that hamper whoever restores."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import settings
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Setting
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


@pytest.mark.parametrize(("value", "told"), [("1MB", 1), ("-1", 0)])
def test_one_that_no_session_of_ours_overrides_is_a_warning(value: str, told: int) -> None:
    limit = Setting("app", "temp_file_limit", value)
    found = list(settings.check(replace(FACTS, settings=(limit, Setting("", "work_mem", "1MB")))))
    assert [problem.severity for problem in found] == ["warning"] * told


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(settings.check(FACTS)) == []
