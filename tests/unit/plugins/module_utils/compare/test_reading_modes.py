# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a table is read by is decided from the mode, the key, and the time that it would take."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.compare.reading_modes import (
    ASSUMED_BYTES_PER_SECOND,
    Chosen,
    Like,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint, LargeObjects, TableState

MIB = 1 << 20


def test_a_table_without_a_key_cannot_be_sampled() -> None:
    sampled = Chosen("sampled")
    assert [sampled.of_table("t", 1, has_key=key) for key in (True, False)] == ["sampled", "full"]
    assert Chosen("counts").of_table("t", 1, has_key=False) == "counts"


def test_without_a_budget_everything_is_full() -> None:
    assert Chosen().of_table("t", 1 << 60, has_key=True) == "full"
    assert Chosen().of_large_objects(1 << 60) == "full"


def test_until_something_was_measured_a_rate_is_assumed() -> None:
    chosen = Chosen("full", budget=2)
    fitting = int(ASSUMED_BYTES_PER_SECOND)
    assert [chosen.of_table(name, fitting, has_key=True) for name in "abc"] == ["full", "full", "sampled"]
    assert chosen.of_large_objects(MIB) == "sampled"


def test_a_measured_rate_takes_the_place_of_the_assumed_one() -> None:
    fast, slow = Chosen("full", budget=2), Chosen("full", budget=2)
    size = int(1.5 * ASSUMED_BYTES_PER_SECOND)
    fast.spent("full", 100 * MIB, 0.5)
    slow.spent("full", 100 * MIB, 50)
    assert fast.of_table("t", size, has_key=True) == "full"
    assert slow.of_table("t", size, has_key=True) == "sampled"


def test_what_says_nothing_of_the_rate_is_not_measured() -> None:
    chosen = Chosen("full", budget=2)
    chosen.spent("full", 8192, 1)
    chosen.spent("sampled", 100 * MIB, 1000)
    assert chosen.of_table("t", int(ASSUMED_BYTES_PER_SECOND), has_key=True) == "full"


def test_a_table_that_does_not_fit_leaves_its_time_to_others() -> None:
    chosen = Chosen("full", budget=1)
    sizes = [0.5 * ASSUMED_BYTES_PER_SECOND, 5 * ASSUMED_BYTES_PER_SECOND, 0.4 * ASSUMED_BYTES_PER_SECOND]
    read = [chosen.of_table(str(size), int(size), has_key=True) for size in sizes]
    assert read == ["full", "sampled", "full"]


def test_a_table_without_a_key_is_full_whatever_it_takes() -> None:
    assert Chosen("full", budget=1).of_table("t", 1 << 60, has_key=False) == "full"


def test_a_copy_is_read_as_its_source_was() -> None:
    tables = {mode: TableState(1, "", mode) for mode in ("full", "sampled", "counts")}
    like = Like(Fingerprint(tables, {}, {}, LargeObjects("sampled")))
    assert {mode: like.of_table(mode, 1 << 60, has_key=True) for mode in tables} == {mode: mode for mode in tables}
    assert like.of_large_objects(1 << 60) == "sampled"


def test_of_what_the_source_does_not_have_the_rows_are_counted() -> None:
    like = Like(Fingerprint({"gone": TableState(1, "", "sampled")}, {}, {}))
    assert like.of_table("new", 1, has_key=True) == "counts"
    assert like.of_table("gone", 1, has_key=False) == "full"
    like.spent("full", 1, 1)
