# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A finding fails a migration when it is new or has grown; never for having been there before."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import audit_deltas
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.audit_deltas import Delta

KEY = "orphans public.t.fk"


def finding(count: int, severity: str = "error", subject: str = "public.t.fk") -> Finding:
    return Finding("orphans", severity, subject, f"{subject} has {count} orphans.", "Delete them.", count)


def only(before: dict[str, int], *found: Finding) -> Delta:
    (delta,) = audit_deltas.of(before, found)
    return delta


@pytest.mark.parametrize(
    ("before", "count", "severity", "how", "harms"),
    [
        ({}, 3, "error", "new", True),
        ({}, 3, "warning", "new", True),
        ({}, 3, "info", "new", False),
        ({KEY: 2}, 3, "error", "grown", True),
        ({KEY: 2}, 3, "info", "grown", False),
        ({KEY: 4}, 3, "error", "fewer", False),
    ],
)
def test_a_finding_is_judged_by_what_was_found_before(
    before: dict[str, int], count: int, severity: str, how: str, harms: bool
) -> None:
    delta = only(before, finding(count, severity))
    assert (delta.how, delta.harms, delta.before, delta.after) == (how, harms, before.get(KEY, 0), count)


def test_a_finding_that_was_there_before_is_not_told() -> None:
    assert list(audit_deltas.of({KEY: 3}, [finding(3)])) == []


def test_a_finding_that_went_away_is_told_as_mended() -> None:
    assert only({KEY: 3}) == Delta(KEY, "", "fixed", 3, 0)


def test_a_table_that_is_kept_under_another_name_keeps_what_was_wrong_with_it() -> None:
    moved = finding(3, subject="public.t_old.fk")
    assert list(audit_deltas.of({KEY: 3}, [moved])) == []
    assert [delta.how for delta in audit_deltas.of({KEY: 3}, [moved, finding(3)])] == []
    assert only({KEY: 2}, moved).how == "grown"
    assert only({}, moved).how == "new"


def test_the_problem_says_what_is_wrong_since_when_and_what_to_do() -> None:
    assert only({}, finding(3)).problem == "public.t.fk has 3 orphans. Delete them."
    grown = "public.t.fk has 3 orphans. Before the migration: 2. Delete them."
    assert only({KEY: 2}, finding(3)).problem == grown


def test_what_was_not_looked_at_again_keeps_what_was_found_before() -> None:
    before = {
        "orphans public.a constraint k": 3,
        "blank_strings public.a.name": 2,
        "blank_strings public.ab.name": 1,
        "not_looked_at orphans public.a constraint k": 1,
    }
    untouched = ("orphans public.a constraint k", "blank_strings public.a")
    kept = {"orphans public.a constraint k": 3, "blank_strings public.a.name": 2}
    assert audit_deltas.kept(before, untouched) == kept
    assert audit_deltas.kept(before, ()) == {}
