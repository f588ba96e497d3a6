# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read is equal to what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.codec import decoded, encoded


class Colour(str, Enum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    path: Path | None
    colour: Colour


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    by_name: Mapping[str, Part]
    words: list[str]
    size: float


WHOLE = Whole((Part(Path("/a"), Colour.RED), Part(None, Colour.RED)), {"type": Part(Path(), Colour.RED)}, ["b"], 0.5)


PLAIN = [None, True, 1, "text", "\u20ac \ud800", (), [], [()], {}, {1: "b"}, {"type": "Path", "value": "a"}, Path("a")]


@pytest.mark.parametrize("value", [WHOLE, *PLAIN])
def test_a_value_comes_back_as_it_was(value: object) -> None:
    found = decoded(encoded(value), (Whole, Part, Colour))
    assert found == value
    assert type(found) is type(value)


def test_what_has_no_form_in_json_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError):
        encoded({"a": object()})


def test_a_type_that_was_not_named_is_not_made() -> None:
    with pytest.raises(KeyError):
        decoded(encoded(WHOLE), (Whole, Part))
