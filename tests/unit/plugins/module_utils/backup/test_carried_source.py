# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller takes no name from a target that leads out of the directory it copies to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import carried_source
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed, NotABackup
from ansible_collections.pgsafe.migration.tests.unit import stored_backups as made


def never(_name: str, _offset: int) -> bytes:
    raise AssertionError("nothing is read")


def description(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(carried_source.described(made.stored(root, 3)))
    return found


def _in_manifest(data: dict[str, Any], **changed: Any) -> None:
    data["manifest"] = json.dumps({**json.loads(data["manifest"]), **changed})


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a file outside": lambda data: data["files"].update({"../../journal": [1, ""]}),
    "a file with a path": lambda data: data["files"].update({"/etc/passwd": [1, ""]}),
    "a hidden file": lambda data: data["files"].update({".runs": [1, ""]}),
    "a run outside": lambda data: _in_manifest(data, run_id="../../../20261116_143022"),
    "a file that no manifest lists": lambda data: data["files"].update({"more.csv": [1, ""]}),
    "a file of another size": lambda data: data["files"]["full_backup.dump"].__setitem__(0, 1 << 50),
    "no manifest": lambda data: data["files"].pop("manifest.json"),
    "no file": lambda data: data.update(files=[]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_description_that_leads_elsewhere_is_no_backup(tmp_path: Path, change: str) -> None:
    data = description(tmp_path)
    CHANGES[change](data)
    with pytest.raises(NotABackup):
        carried_source.of_description(json.dumps(data), never)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000])
def test_what_is_no_description_is_no_backup(text: str) -> None:
    with pytest.raises(NotABackup, match="is no backup"):
        carried_source.of_description(text, never)


def test_a_file_is_read_range_by_range_up_to_the_size_that_was_described(tmp_path: Path) -> None:
    root = tmp_path / "root"
    directory = made.stored(root, 3)
    text, asked = carried_source.described(directory), list[int]()

    def read_range(name: str, offset: int) -> bytes:
        asked.append(offset)
        return carried_source.read(directory, name, offset, 4)

    source = carried_source.of_description(text, read_range)
    archive = directory / "full_backup.dump"
    assert b"".join(source.chunks(archive.name)) == archive.read_bytes()
    assert asked == list(range(0, archive.stat().st_size, 4))
    archive.write_bytes(archive.read_bytes()[:5])
    with pytest.raises(FileFailed, match="has other bytes on the target"):
        list(source.chunks(archive.name))


@pytest.mark.parametrize(
    ("name", "offset", "size"),
    [("../journal", 0, 1), ("", 0, 1), (".", 0, 1), ("a", -1, 1), ("a", 0, 0), ("a", 0, 1 << 30)],
)
def test_what_is_no_range_of_a_file_of_the_backup_is_refused(
    tmp_path: Path, name: str, offset: int, size: int
) -> None:
    with pytest.raises(BadRequest):
        carried_source.read(tmp_path, name, offset, size)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(FileFailed):
        carried_source.read(tmp_path, "link", 0, 10)
