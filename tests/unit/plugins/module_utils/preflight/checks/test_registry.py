# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks are run all, in their order, and none of them is forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import registry, run
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import SCOPES, Unseen
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.run import Preflight, problems_of
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

KEPT_APART = {"__init__", "check", "registry", "run"}


def test_every_check_of_the_directory_is_listed_once() -> None:
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - KEPT_APART
    listed = [run.name_of(listed.check) for listed in registry.CHECKS]
    assert sorted(listed) == sorted(files)


def test_every_check_has_its_test() -> None:
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - KEPT_APART
    assert files <= tests


def test_every_check_is_tried_on_a_server() -> None:
    """But for one: no machine of ours has a server that is too old."""
    tests = (COLLECTION / "tests" / "server").glob("test_*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in tests)
    listed = {run.name_of(listed.check) for listed in registry.CHECKS} - {"server_version"}
    assert [name for name in sorted(listed) if f'"{name}"' not in text] == []


def test_a_healthy_database_has_no_problem() -> None:
    assert problems_of(FACTS) == ()


def test_all_problems_are_told_at_once_and_in_order() -> None:
    bad = replace(FACTS, standby=True, server_version=90624, prepared_transactions=("g",), unfinished_runs=("/b",))
    found = problems_of(bad)
    assert [problem.check for problem in found] == [
        "unfinished_run",
        "server_version",
        "standby",
        "prepared_transactions",
    ]


def test_only_what_concerns_a_scope_is_asked_before_it() -> None:
    bad = replace(FACTS, checksum_failures=1, track_counts=False, present_roles=())
    by_scope = {scope: [problem.check for problem in problems_of(bad, [scope])] for scope in SCOPES}
    assert by_scope == {"backup": ["checksum_failures"], "migration": ["track_counts"], "restore": ["roles"]}


def test_only_errors_stop_a_run() -> None:
    found = Preflight(FACTS, problems_of(replace(FACTS, publications=("p",), standby=True)))
    assert [problem.severity for problem in found.problems] == ["error", "warning"]
    assert [problem.check for problem in found.errors] == ["standby"]


def test_a_waived_error_is_a_warning_that_carries_the_reason() -> None:
    bad = replace(FACTS, standby=True, checksum_failures=1)
    found = Preflight(bad, problems_of(bad, waived={"checksum_failures": "it is dropped anyway"}))
    assert [problem.check for problem in found.errors] == ["standby"]
    (waived,) = found.waived
    assert (waived.severity, waived.waived) == ("warning", "it is dropped anyway")
    assert waived.as_text().endswith("(Waived: it is dropped anyway)")


def test_what_was_not_seen_is_told_with_the_check_that_needed_it_and_can_be_waived() -> None:
    unseen = Unseen("data_disk", "error", "It cannot be seen.", "Look there.")
    blind = replace(FACTS, not_seen=(unseen,))
    assert [(problem.check, problem.severity) for problem in problems_of(blind)] == [("data_disk", "error")]
    assert [problem.severity for problem in problems_of(blind, waived={"data_disk": "it is 4 TB"})] == ["warning"]
    assert problems_of(blind, ["backup"]) == ()
