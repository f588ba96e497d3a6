# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every directory and link on the way to a path counts, and nothing that is not on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import safe_paths


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(0o777)
    return directory


def test_a_path_through_a_directory_that_others_can_write_is_weak(open_to_all: Path) -> None:
    (open_to_all / "inner").mkdir(mode=0o700)
    found = safe_paths.weakness(open_to_all / "inner" / "missing")
    assert found == safe_paths.Weakness(
        f"{open_to_all} can be written by other users (mode 0777)", f"chmod go-w {open_to_all}"
    )
    with pytest.raises(Refused, match="Another user could replace what is in"):
        safe_paths.require(open_to_all / "inner")


@pytest.mark.parametrize("target", ["open/inner", "../{parent}/open/inner", "{above}/open/inner", "open/../open"])
def test_a_link_is_followed_through_every_directory_that_it_names(open_to_all: Path, target: str) -> None:
    above = open_to_all.parent
    (open_to_all / "inner").mkdir(mode=0o700)
    link = above / "link"
    link.symlink_to(target.format(parent=above.name, above=above))
    found = safe_paths.weakness(link)
    assert found is not None
    assert found.what.startswith(f"{open_to_all} can be written")


def test_sticky_directories_are_safe_to_pass_and_not_safe_to_use(open_to_all: Path) -> None:
    (open_to_all / "inner").mkdir(mode=0o700)
    open_to_all.chmod(0o1777)
    assert safe_paths.weakness(open_to_all / "inner") is None
    assert safe_paths.weakness(open_to_all) is not None


def test_links_that_never_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(Refused, match="too many symbolic links"):
        safe_paths.weakness(tmp_path / "one")


def test_a_file_in_place_of_a_directory_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o600)
    assert safe_paths.weakness(tmp_path / "file" / "below") is None
