# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration that loses rows without saying so has failed, whatever its exit status."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import expectations
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.expectations import TableChange

T, U = "public.t", "public.u"
Rows = dict[str, int]


def changes(before: Rows, after: Rows, declared: dict[str, Any]) -> dict[str, TableChange]:
    found = expectations.changes_of(before, after, expectations.typed(declared))
    return {change.table: change for change in found}


@pytest.mark.parametrize(
    ("before", "after", "expectation", "verdict", "fails"),
    [
        ({T: 5}, {T: 5}, None, "same", False),
        ({T: 5}, {T: 7}, None, "+2", False),
        ({T: 5}, {T: 4}, None, "LOST 1", True),
        ({T: 5}, {}, None, "LOST", True),
        ({T: 0}, {}, None, "LOST", True),
        ({T: 5}, {T: 5}, "same", "same", False),
        ({T: 5}, {T: 6}, "same", "NOT THE SAME", True),
        ({T: 5}, {T: 4}, "same", "NOT THE SAME", True),
        ({T: 5}, {f"{T}_old": 5}, "same", "LOST", True),
        ({T: 5}, {T: 6}, "grows", "+1", False),
        ({T: 5}, {T: 5}, "grows", "NOT GROWN", True),
        ({T: 5}, {T: 4}, "grows", "NOT GROWN", True),
        ({T: 5}, {}, "grows", "LOST", True),
        ({T: 5}, {T: 4}, "may_shrink", "-1", False),
        ({T: 5}, {T: 0}, "may_shrink", "-5", False),
        ({T: 5}, {}, "may_shrink", "LOST", True),
        ({T: 5}, {T: 3}, {"may_shrink_to": 3}, "-2", False),
        ({T: 5}, {T: 2}, {"may_shrink_to": 3}, "LOST 3", True),
        ({T: 5}, {T: 3}, {"may_shrink_to": "3"}, "-2", False),
        ({T: 2}, {T: 2}, {"may_shrink_to": 3}, "same", False),
        ({T: 5}, {}, {"may_shrink_to": 0}, "LOST", True),
        ({T: 5}, {}, "dropped", "dropped", False),
        ({T: 5}, {T: 5}, "dropped", "NOT DROPPED", True),
        ({T: 5}, {U: 5}, {"moved_to": U}, "moved", False),
        ({T: 5}, {U: 5}, {"moved_to": "u"}, "moved", False),
        ({T: 5, U: 2}, {U: 7}, {"moved_to": U}, "moved", False),
        ({T: 5, U: 2}, {U: 6}, {"moved_to": U}, "NOT MOVED", True),
        ({T: 5, U: 2}, {T: 5, U: 2}, {"moved_to": U}, "NOT MOVED", True),
        ({T: 5, U: 2}, {T: 0, U: 7}, {"moved_to": U}, "moved", False),
        ({T: 5}, {T: 5}, {"moved_to": U}, "LOST", True),
    ],
)
def test_a_table_is_judged_by_its_rows_and_its_expectation(
    before: Rows, after: Rows, expectation: Any, verdict: str, fails: bool
) -> None:
    change = changes(before, after, {T: expectation} if expectation else {})[T]
    assert (change.verdict, bool(change.problem)) == (verdict, fails)
    assert (change.before, change.after) == (before.get(T), after.get(T))


def test_two_tables_that_are_moved_to_one_must_both_have_arrived() -> None:
    declared = {T: {"moved_to": "all"}, U: {"moved_to": "all"}}
    assert {change.problem for change in changes({T: 5, U: 2}, {"public.all": 7}, declared).values()} == {""}
    short = changes({T: 5, U: 2}, {"public.all": 6}, declared)
    assert short[T].problem == (
        "The 5 rows of public.t should have been moved to public.all, which has 6 more rows instead of 7."
    )


def test_a_new_table_is_no_problem() -> None:
    assert changes({}, {T: 5}, {}) == {T: TableChange(T, None, 5, "", "new")}


def test_a_table_that_was_kept_under_another_name_is_not_lost() -> None:
    gone = changes({T: 5}, {f"{T}_old": 5}, {})[T]
    assert (gone.verdict, gone.problem) == ("kept as public.t_old", "")


def test_a_kept_table_that_has_lost_rows_does_not_count() -> None:
    assert changes({T: 5}, {f"{T}_old": 4}, {})[T].verdict == "LOST"


def test_what_an_earlier_migration_has_kept_does_not_stand_for_a_lost_table() -> None:
    assert changes({T: 5, f"{T}_old": 9}, {f"{T}_old": 9}, {})[T].verdict == "LOST"


def test_the_problem_says_how_many_rows_were_lost() -> None:
    problem = changes({T: 12_857}, {T: 857}, {})[T].problem
    assert problem == (
        "The table public.t has lost 12,000 of its 12,857 rows, which was not declared. "
        "If that is intended: pg_migrate_verification.expectations: {public.t: may_shrink}."
    )


def test_what_was_declared_is_told_with_the_table() -> None:
    assert changes({T: 5}, {T: 5}, {"t": {"may_shrink_to": 1234}})[T].expectation == "may_shrink_to 1,234"
    assert changes({T: 5}, {U: 5}, {"t": {"moved_to": U}})[T].expectation == "moved_to public.u"


@pytest.mark.parametrize(
    "value",
    ["shrinks", "moved_to", 5, None, {}, {"may_shrink_to": "few"}, {"may_shrink_to": -1}, {"may_shrink_to": True},
     {"moved_to": ""}, {"moved_to": 5}, {"same": 5}, {"may_shrink_to": 1, "moved_to": "u"}],
)  # fmt: skip
def test_an_expectation_that_is_not_known_is_refused_with_those_that_are(value: Any) -> None:
    with pytest.raises(BadRequest, match=r"of the table t is not known.*same, grows, may_shrink.*moved_to: TABLE"):
        expectations.typed({"t": value})


@pytest.mark.parametrize("table", ["public.u", "u", "archive.t"])
def test_an_expectation_of_a_table_that_is_not_there_is_refused(table: str) -> None:
    expectations.require_known(expectations.typed({"t": "same", "archive.u": "same"}), {T, "archive.u"})
    with pytest.raises(BadRequest, match=rf"do not exist: {table}\."):
        expectations.require_known(expectations.typed({table: "same"}), {T, "archive.u"})


def test_a_name_alone_means_the_table_of_the_schema_public_and_no_other() -> None:
    found = changes({T: 5, "archive.t": 5}, {T: 4, "archive.t": 4}, {"t": "may_shrink"})
    assert {table: change.verdict for table, change in found.items()} == {T: "-1", "archive.t": "LOST 1"}
