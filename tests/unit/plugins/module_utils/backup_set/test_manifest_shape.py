# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A manifest with a value of another type is refused where it is read, not where somebody adds up what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest, manifest_shape
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST

PLAIN = json.loads(manifest.to_json(MANIFEST))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, the branches too."""
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(below, (*path, key))


def test_a_whole_manifest_fits() -> None:
    manifest_shape.require(PLAIN)


def test_every_part_of_a_manifest_has_a_shape() -> None:
    assert set(manifest_shape.SHAPE) == set(PLAIN) - {"format_version"}


@pytest.mark.parametrize("path", [path for path in _places(PLAIN) if path != ("format_version",)], ids=str)
def test_a_value_of_another_type_is_refused_with_its_place(path: tuple[Any, ...]) -> None:
    document = json.loads(json.dumps(PLAIN))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = object()
    with pytest.raises(TypeError, match=r"^manifest\."):
        manifest_shape.require(document)
