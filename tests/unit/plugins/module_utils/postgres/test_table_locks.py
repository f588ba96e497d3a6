# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How locks are reported: the strongest of each table. A malformed word is ignored and raises no error."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import table_locks
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.table_locks import TableLock

KNOWN = {16384: "public.a", 16390: "public.b", 16391: "public.b"}


def test_the_strongest_lock_of_each_table_is_told_and_the_strongest_first() -> None:
    words = ["16390:ShareLock", "16384:ShareLock", "16391:ShareRowExclusiveLock", "16384:AccessExclusiveLock"]
    expected = (TableLock("public.a", "ACCESS EXCLUSIVE"), TableLock("public.b", "SHARE ROW EXCLUSIVE"))
    assert table_locks.told(words, KNOWN) == expected


def test_what_is_no_lock_on_a_known_table_is_left_out() -> None:
    words = ["\\N", "", ":", "16384", "16384:AccessExclusiveLoc", "16384:RowShareLock", "99:ShareLock", "x:ShareLock"]
    assert table_locks.told(words, KNOWN) == ()
