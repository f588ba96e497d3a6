# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that is somebody else's."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import managed_service
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS


def test_it_is_told_what_cannot_be_seen_or_done_there() -> None:
    (problem,) = managed_service.check(replace(FACTS, managed_by="Amazon RDS or Aurora"))
    assert (problem.check, problem.severity) == ("managed_service", "info")
    assert "free_bytes" in problem.remedy


def test_it_is_silent_about_a_healthy_database() -> None:
    assert list(managed_service.check(FACTS)) == []
