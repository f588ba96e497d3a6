# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory of the controller is a place with a directory for each host, once it can be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import controller_places


def test_each_host_has_a_directory_of_its_own_whatever_its_name() -> None:
    (given,) = controller_places.typed([{"controller": "/srv/copies", "required": "no"}])
    places = [controller_places.of_host(given, host) for host in ("db1", "../db1", "db/1")]
    assert {place.path.parent for place in places} == {Path("/srv/copies")}
    assert len({place.path for place in places}) == 3
    assert [place.required for place in places] == [False] * 3


@pytest.mark.parametrize(
    "copy_to",
    [[{"controller": "/a", "path": "/b"}], [{"controller": "/a", "size": 1}], [1]],
    ids=["two places", "unknown option", "no place"],
)
def test_what_is_no_place_is_refused(copy_to: object) -> None:
    with pytest.raises(BadRequest, match="pg_migrate_copy_to"):
        controller_places.typed(copy_to)
    assert not controller_places.any_of([{"path": "/b"}])


def test_what_stands_in_the_way_is_told_with_its_remedy(tmp_path: Path) -> None:
    def looked_at(top: Path, **options: object) -> dict[str, object]:
        (given,) = controller_places.typed([{"controller": str(top), **options}])
        return controller_places.looked_at(controller_places.of_host(given, "db1"))

    usable = looked_at(tmp_path)
    assert (usable["problem"], usable["place"], usable["required"]) == ("", f"{tmp_path}/db1", True)
    assert usable["free_bytes"] != 0
    assert list(tmp_path.iterdir()) == []
    assert "does not exist on the controller" in str(looked_at(tmp_path / "gone")["problem"])
    assert "is not an absolute path" in str(looked_at(Path("copies"))["problem"])
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert "can be written by other users" in str(looked_at(open_to_all)["problem"])
    assert "is no recipient of age" in str(looked_at(tmp_path, age_recipients=["age1nobody"])["problem"])
