# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup goes back to its own major or to a later one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.restore_checks import server_version
from ansible_collections.pgsafe.migration.tests.unit.samples import RESTORE_FACTS


@pytest.mark.parametrize(("server", "severities"), [(140009, ["error"]), (150001, []), (160000, ["warning"])])
def test_an_earlier_major_is_an_error_and_a_later_one_a_warning(server: int, severities: list[str]) -> None:
    found = list(server_version.check(replace(RESTORE_FACTS, server_version=server, server_version_text="?")))
    assert [problem.severity for problem in found] == severities
