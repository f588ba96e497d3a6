# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import not_given_back
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

LOST = replace(FACTS, reordered_tables=("public.child",), not_given_back=("invalid indexes are left out: public.i",))


def test_what_a_rollback_would_not_give_back_is_named_but_for_what_is_an_error() -> None:
    (problem,) = not_given_back.check(LOST)
    assert problem.severity == "info"
    assert problem.what == (
        "A rollback of app would not restore everything: invalid indexes are left out: public.i."
    )


def test_a_database_that_comes_back_whole_has_no_finding() -> None:
    assert list(not_given_back.check(FACTS)) == []
