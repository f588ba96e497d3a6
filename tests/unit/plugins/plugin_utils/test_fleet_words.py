# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet on the console."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.plugin_utils import fleet_words
from ansible_collections.pgsafe.migration.tests.unit import fleet_samples


def test_the_table_has_a_line_for_every_host_in_columns() -> None:
    lines = fleet_words.table(fleet_samples.sample()["hosts"])
    assert [line.split()[0] for line in lines] == ["Host", *[f"db{number}.example.org" for number in range(1, 5)]]
    verdicts = {line[lines[0].index("Verdict") :][:8] for line in lines[1:]}
    assert verdicts == {"migrated", "rolled b", "unreacha", "not reac"}
    assert "000_baseline.sql → 003_switch_to_members.sql" in lines[1]
    assert "took 0.4 s" in lines[2]


def test_a_column_in_which_no_host_has_anything_is_left_out() -> None:
    lost = fleet_samples.sample()["hosts"][2:]
    assert fleet_words.table(lost)[0].split() == ["Host", "Database", "Batch", "Verdict", "Duration"]


def test_the_locks_of_a_file_are_told_by_their_mode() -> None:
    migrated, undone = fleet_samples.sample()["hosts"][:2]
    first, second, _third = migrated["files"]
    assert fleet_words.locks(first) == "none"
    told = "ACCESS EXCLUSIVE on public.community_members, public.messages; SHARE ROW EXCLUSIVE on public.events"
    assert fleet_words.locks(second) == told
    assert [fleet_words.locks(file) for file in undone["files"]] == ["none", told, ""]
