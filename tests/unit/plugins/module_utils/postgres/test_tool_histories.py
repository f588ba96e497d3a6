# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version before and after, for people."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import tool_histories
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres.tool_histories import ToolVersion

ONE = ToolVersion("Alembic", "public.alembic_version", ("0001",))
TWO = ToolVersion("Alembic", "public.alembic_version", ("0002", "00a2"))
RAILS = ToolVersion("dbmate or Rails", "app.schema_migrations", ("3 (3 applied)",))
HIDDEN = ToolVersion("Django", "public.django_migrations", unread="permission denied")


def test_a_version_is_told_with_its_tool_and_table() -> None:
    assert tool_histories.told(()) == "none"
    assert tool_histories.told((TWO, HIDDEN)) == (
        "Alembic 0002, 00a2 (public.alembic_version); Django not read (permission denied) (public.django_migrations)"
    )
    assert tool_histories.told((ToolVersion("", "", ("7",)),)) == "7"
    assert tool_histories.told((ToolVersion("", ""),)) == "none"


def test_a_history_that_is_made_or_dropped_is_a_change() -> None:
    told = [change.told for change in tool_histories.changes((ONE,), (TWO, RAILS))]
    assert told == [
        "Alembic 0001 -> 0002, 00a2 (public.alembic_version)",
        "dbmate or Rails none -> 3 (3 applied) (app.schema_migrations)",
    ]
    assert [change.after for change in tool_histories.changes((ONE, RAILS), (RAILS,))] == ["none", "3 (3 applied)"]
    assert [change.after for change in tool_histories.changes((ONE,), None)] == [None]


def test_only_what_was_read_twice_is_unmoved() -> None:
    assert tool_histories.unmoved((ONE,), (ONE,))
    for before, after in (((ONE,), (TWO,)), ((ONE,), None), ((), ()), ((HIDDEN,), (HIDDEN,))):
        assert not tool_histories.unmoved(before, after)
