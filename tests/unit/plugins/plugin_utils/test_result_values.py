# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that a target has sent, of the type that is wanted."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import result_values


@pytest.mark.parametrize("value", [True, "5", None, -1, float("nan"), float("inf"), 10**400, [1], {"a": 1}])
def test_what_is_no_number_is_none(value: object) -> None:
    assert result_values.number(value) is None


def test_a_long_text_is_cut_and_is_one_line() -> None:
    found = result_values.text("a\nb" * 3000)
    assert found.startswith("a ba b")
    assert found.endswith(" …")
    assert len(found) < 4100


def test_a_sum_is_of_the_numbers_alone() -> None:
    assert result_values.total([1, "x", 2.0, None]) == 3
    assert result_values.total(["x"]) is None
