# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import inherited_columns
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

LOST = replace(FACTS, reordered_tables=("public.child",), not_given_back=("invalid indexes are left out: public.i",))


def test_a_table_whose_columns_would_be_in_another_order_is_an_error() -> None:
    (problem,) = inherited_columns.check(LOST)
    assert (problem.check, problem.severity, "public.child" in problem.what) == ("inherited_columns", "error", True)
    assert "public.i" not in problem.what


def test_other_losses_are_none_of_its_business() -> None:
    assert list(inherited_columns.check(replace(LOST, reordered_tables=()))) == []
