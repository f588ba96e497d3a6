# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration set of the controller is found where its option says."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.plugin_utils import local_sets


def test_a_relative_source_is_looked_for_beside_the_inventory_and_then_the_playbook(tmp_path: Path) -> None:
    source, other = tmp_path / "inventory" / "migrations", tmp_path / "playbook" / "migrations"
    for directory in (source, other):
        directory.mkdir(parents=True)
        (directory / "1.sql").write_text(f"SELECT '{directory.parent.name}';")
    beside, playbook = {"inventory_dir": str(source.parent)}, str(other.parent)
    assert local_sets.located("migrations", beside, playbook) == source
    assert local_sets.located("migrations", {"inventory_dir": None}, playbook) == other
    assert local_sets.located(str(other), beside, playbook) == other


def test_the_files_of_a_task_may_be_one_text(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.sql").write_text("SELECT 1;")
    assert local_sets.read(tmp_path, {"files": "b.sql,a.sql"}).names == ["b.sql", "a.sql"]
    assert local_sets.read(tmp_path, {}).names == ["a.sql", "b.sql"]
