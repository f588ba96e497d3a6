# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an update of the copy leaves alone: other checks run in the copy at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

import collection_tree


def test_an_update_removes_foreign_files_and_empty_directories_and_leaves_those_of_running_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection_tree, "TREE", tmp_path)
    monkeypatch.setattr(collection_tree, "_listed", set)
    working = {tmp_path / "tests/output/junit", tmp_path / ".mypy_cache/3.10", tmp_path / ".git"}
    for directory in (*working, tmp_path / "roles/removed"):
        directory.mkdir(parents=True)
    (tmp_path / "roles/removed/main.yml").touch()
    collection_tree.synchronise()
    assert all(directory.is_dir() for directory in working)
    assert not (tmp_path / "roles/removed").exists()
