# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables a restore gives another order of columns, and how losses are put into words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import losses
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST

PARENT: losses.Table = ("public.parent", ["a", "b"], [])


@pytest.mark.parametrize(
    ("columns", "parents", "moved"),
    [
        (["a", "b", "c"], [1], False),
        (["c", "a", "b"], [1], True),
        (["b", "a"], [1], True),
        (["a", "b", "d", "c"], [1, 2], True),
        (["a", "b", "c", "d"], [1, 2], False),
        (["c", "a", "b", "d"], [2, 1], False),
        (["a", "b"], [99], False),
    ],
)
def test_a_restore_puts_the_columns_of_the_parents_first(columns: list[str], parents: list[int], moved: bool) -> None:
    tables = {1: PARENT, 2: ("public.other", ["c", "a"], []), 3: ("public.child", columns, parents)}
    assert losses.reordered(tables) == (("public.child",) if moved else ())


def test_a_grandchild_follows_the_new_order_of_its_parent() -> None:
    tables = {1: PARENT, 2: ("public.child", ["c", "a", "b"], [1]), 3: ("public.grandchild", ["c", "a", "b"], [2])}
    assert losses.reordered(tables) == ("public.child", "public.grandchild")


def test_without_a_proof_what_was_foretold_at_the_backup_is_known() -> None:
    assert losses.known(MANIFEST, None) == ("materialized views are refreshed, not restored: public.m",)
    assert losses.exception(losses.known(replace(MANIFEST, losses={}), None)) == ""


def test_the_exception_names_a_few() -> None:
    assert losses.exception([str(number) for number in range(7)]) == ", except: 0, 1, 2, 3, 4 and 2 more"
