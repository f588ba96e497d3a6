# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dataclasses as JSON and back, whole: what is read is equal to what was written.

A value that JSON has no type for is an object with the name of its type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

_TYPE, _VALUE = "type", "value"

_MAKERS: Mapping[str, Callable[[Any], Any]] = {"Path": Path, "dict": dict, "tuple": tuple}


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    """An object of JSON, as an ``object_pairs_hook``.

    :raises ValueError: a key occurs twice, so that two readers could take it for two things.
    """
    names = [name for name, _value in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a key occurs twice: {sorted(name for name in set(names) if names.count(name) > 1)[0]!r}")
    return dict(pairs)


def encoded(value: object) -> str:
    """
    :raises TypeError: something in it has no form in JSON.
    """
    return json.dumps(_packed(value))


def decoded(text: str, types: Iterable[type]) -> Any:
    """
    :param types: the dataclasses and enumerations that may be in it.
    """
    makers = {found.__name__: _maker(found) for found in types}
    return _unpacked(json.loads(text), {**_MAKERS, **makers})


def _packed(value: Any) -> Any:
    if is_dataclass(value):
        return _typed(value, _packed({field.name: getattr(value, field.name) for field in fields(value)}))
    if isinstance(value, Enum):
        return _typed(value, value.value)
    if isinstance(value, Path):
        return {_TYPE: "Path", _VALUE: str(value)}
    if isinstance(value, Mapping):
        return {_TYPE: "dict", _VALUE: [[_packed(key), _packed(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {_TYPE: "tuple", _VALUE: [_packed(item) for item in value]}
    return [_packed(item) for item in value] if isinstance(value, list) else value


def _typed(value: object, packed: object) -> dict[str, object]:
    return {_TYPE: type(value).__name__, _VALUE: packed}


def _maker(found: type) -> Callable[[Any], Any]:
    return found if issubclass(found, Enum) else lambda packed: found(**packed)


def _unpacked(value: Any, makers: Mapping[str, Callable[[Any], Any]]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, makers) for item in value]
    if not isinstance(value, dict):
        return value
    return makers[value[_TYPE]](_unpacked(value[_VALUE], makers))
