# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration that loses rows without saying so has failed, whatever its exit status."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import migration_verify
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.migration_verify import (
    TableChange,
    Verification,
    changes_of,
)
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST

T = "public.t"


@pytest.mark.parametrize(
    ("before", "after", "expectation", "verdict", "fails"),
    [
        ({T: 5}, {T: 5}, "", "same", False),
        ({T: 5}, {T: 7}, "", "+2", False),
        ({T: 5}, {T: 4}, "", "LOST 1", True),
        ({T: 5}, {T: 4}, "may_shrink", "-1", False),
        ({T: 5}, {T: 5}, "same", "same", False),
        ({T: 5}, {T: 6}, "same", "NOT THE SAME", True),
        ({T: 5}, {T: 4}, "same", "LOST 1", True),
        ({T: 5}, {T: 6}, "grows", "+1", False),
        ({T: 5}, {T: 5}, "grows", "NOT GROWN", True),
        ({T: 5}, {}, "", "LOST", True),
        ({T: 0}, {}, "", "LOST", True),
        ({T: 5}, {}, "dropped", "dropped, as declared", False),
        ({T: 5}, {}, "may_shrink", "LOST", True),
    ],
)
def test_a_table_is_judged_by_its_rows_and_its_expectation(
    before: dict[str, int], after: dict[str, int], expectation: str, verdict: str, fails: bool
) -> None:
    (change,) = changes_of(before, after, {T: expectation} if expectation else {})
    assert (change.verdict, bool(change.problem)) == (verdict, fails)
    assert (change.before, change.after) == (before.get(T), after.get(T))


def test_a_new_table_is_no_problem() -> None:
    assert list(changes_of({}, {T: 5}, {})) == [TableChange(T, None, 5, "new")]


def test_a_table_that_was_kept_under_another_name_is_not_lost() -> None:
    (gone, _kept) = changes_of({T: 5}, {f"{T}_old": 5}, {})
    assert (gone.verdict, gone.problem) == ("kept as public.t_old", "")


def test_a_kept_table_that_has_lost_rows_does_not_count() -> None:
    (gone, _kept) = changes_of({T: 5}, {f"{T}_old": 4}, {})
    assert gone.verdict == "LOST"


def test_what_an_earlier_migration_has_kept_does_not_stand_for_a_lost_table() -> None:
    (gone, _kept) = changes_of({T: 5, f"{T}_old": 9}, {f"{T}_old": 9}, {})
    assert gone.verdict == "LOST"


def test_the_problem_says_how_many_rows_were_lost() -> None:
    (change,) = changes_of({T: 12_857}, {T: 857}, {})
    assert change.problem == "The table public.t has lost 12,000 of its 12,857 rows, which was not declared."


def test_an_expectation_that_is_not_known_is_refused_with_those_that_are() -> None:
    migration_verify.require_known(dict.fromkeys(("public.t", "t"), "same"), {T})
    for expectation in migration_verify.EXPECTATIONS:
        migration_verify.require_known({T: expectation}, {T})
    with pytest.raises(BadRequest, match=r"'shrinks' of the table public\.t is not known.*may_shrink"):
        migration_verify.require_known({T: "shrinks"}, {T})


@pytest.mark.parametrize("table", ["public.u", "u", "archive.t"])
def test_an_expectation_of_a_table_that_is_not_there_is_refused(table: str) -> None:
    with pytest.raises(BadRequest, match=rf"not there: {table}\."):
        migration_verify.require_known({table: "same"}, {T, "archive.u"})


def test_a_name_alone_means_the_table_of_the_schema_public_and_no_other() -> None:
    changes = changes_of({T: 5, "archive.t": 5}, {T: 4, "archive.t": 4}, {"t": "may_shrink"})
    assert {change.table: change.verdict for change in changes} == {T: "-1", "archive.t": "LOST 1"}


def test_a_verification_passes_without_a_problem_and_reports_both_ways() -> None:
    change = TableChange(T, 5, 4, "LOST 1", "It has lost one.")
    failed = Verification((change,), ("It has lost one.",))
    assert (failed.passed, Verification((change,), ()).passed) == (False, True)
    told = failed.as_report(MANIFEST)
    assert (told["run_id"], told["database"], told["passed"]) == ("20261116_143022", "app", False)
    assert told["tables"] == [{"table": T, "before": 5, "after": 4, "verdict": "LOST 1", "problem": "It has lost one."}]
