# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of the results of tasks, which a target has sent: of the type that is wanted, or absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..module_utils.foreign_text import visible

# Longer texts are cut; the log of the run has them in full.
_LONGEST = 4000

# Beyond this a program that reads JSON may lose digits.
_GREATEST = 2**53


def text(value: Any) -> str:
    """One visible line; empty where there is no text."""
    if value is None or isinstance(value, (bool, Mapping, list, tuple)):
        return ""
    found = str(value)
    cut = f"{found[:_LONGEST]} …" if len(found) > _LONGEST else found
    return " ".join(visible(line) for line in cut.splitlines())


def number(value: Any) -> float | None:
    """A finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value <= _GREATEST else None


def count(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in items(value) if isinstance(one, Mapping)]


def texts(value: Any) -> list[str]:
    return [text(one) for one in items(value)]


def total(values: Iterable[Any]) -> int | None:
    """The sum of those that are numbers; None where there is none."""
    found = [one for one in map(count, values) if one is not None]
    return sum(found) if found else None
