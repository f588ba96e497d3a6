# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks are run all, in their order, and none of them is forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.checks import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import Preflight, problems_of
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

KEPT_APART = {"__init__", "check", "registry"}


def test_every_check_of_the_directory_is_listed_once() -> None:
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - KEPT_APART
    listed = [check.__module__.rpartition(".")[2] for check in registry.CHECKS]
    assert sorted(listed) == sorted(files)


def test_every_check_has_its_test() -> None:
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - KEPT_APART
    assert files <= tests


def test_a_healthy_database_has_no_problem() -> None:
    assert problems_of(FACTS) == ()


def test_all_problems_are_told_at_once_and_in_order() -> None:
    found = problems_of(
        replace(FACTS, standby=True, server_version=90624, subscriptions=("s",), unfinished_runs=("/b",))
    )
    assert [problem.check for problem in found] == ["unfinished_run", "server_version", "standby", "replication"]


def test_only_errors_stop_a_run() -> None:
    unseen = replace(FACTS.data_filesystem, free_bytes=None, device=None)
    found = Preflight(FACTS, problems_of(replace(FACTS, data_filesystem=unseen, standby=True)))
    assert [problem.severity for problem in found.problems] == ["error", "warning"]
    assert [problem.check for problem in found.errors] == ["standby"]
