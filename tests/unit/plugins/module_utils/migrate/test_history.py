# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file is listed with its state, and a line of it is read at a glance."""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.pgsafe.migration.plugins.module_utils.journal.applied_files import AppliedFile
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import history, pending
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.pending import NOTHING, File, Listing

AT = datetime(2026, 11, 16, 14, 31, 2, tzinfo=timezone.utc)


def applied(name: str, kind: str = "applied", set_name: str = "default", sum_: str = "a") -> AppliedFile:
    return AppliedFile(set_name, name, "20261116_143022", kind, sum_ * 64, 1, True, 4.2, "", "app", AT)


def states(listing: Listing, *files: AppliedFile) -> list[tuple[str, str]]:
    return [(found.name, found.state) for found in pending.states(listing, files, "default")]


def test_a_file_is_applied_pending_changed_or_missing() -> None:
    listing = Listing((File("1", "a" * 64), File("2", "b" * 64), File("3", "c" * 64), File("v", "d" * 64, True)))
    seen = states(listing, applied("0"), applied("1"), applied("2"), applied("v", "repeatable"))
    assert seen == [("0", "missing"), ("1", "applied"), ("2", "changed"), ("3", "pending"), ("v", "pending")]


def test_without_files_and_of_other_sets_the_history_is_shown() -> None:
    assert states(NOTHING, applied("1"), applied("x y", "command")) == [("1", "recorded"), ("x y", "recorded")]
    other = applied("1", set_name="shop")
    assert states(Listing((File("1", "b" * 64),)), other) == [("1", "pending"), ("1", "recorded")]
    assert states(NOTHING, applied("x", "command"), applied("x", "command", sum_="b")) == [("x", "recorded")] * 2


def test_the_columns_of_the_lines_stand_below_each_other() -> None:
    listing = Listing((File("1.2_add.sql", "a" * 64), File("10_drop.sql", "b" * 64)))
    rows = [history._row(state, "default") for state in pending.states(listing, [applied("1.2_add.sql")], "default")]
    assert history.lines(rows) == [
        "[✓] 1.2  1.2_add.sql  applied  2026-11-16T14:31:02Z  20261116_143022  4.2 s",
        "[ ] 10   10_drop.sql  pending",
    ]
    assert history.lines([]) == ["[✓] No migration was applied, and no file was given"]
