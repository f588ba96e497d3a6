# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL 14 or later."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import server_version
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_a_server_older_than_14_is_an_error() -> None:
    (problem,) = server_version.check(replace(FACTS, server_version=130022, server_version_text="13.22"))
    assert problem.severity == "error"
    assert "PostgreSQL 13.22; 14 is the oldest" in problem.what


def test_14_itself_is_old_enough_and_18_not_too_new() -> None:
    assert list(server_version.check(replace(FACTS, server_version=140000))) == []
    assert list(server_version.check(replace(FACTS, server_version=180006))) == []
