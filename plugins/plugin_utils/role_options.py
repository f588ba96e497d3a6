# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of the role for the options of its modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

PREFIX = "pg_migrate_"
_SPECS = Path(__file__).resolve().parents[2] / "roles" / "pg_migrate" / "meta" / "argument_specs.yml"
_OTHERWISE = {"login_db": "pg_migrate_db", "rule_budget": "pg_migrate_budgets.audit_rule"}


def specified() -> dict[str, dict[str, Any]]:
    """The options of every entry point of the role, by their names."""
    entries = yaml.safe_load(_SPECS.read_text(encoding="utf-8"))["argument_specs"].values()
    return {name: option for entry in entries for name, option in entry["options"].items()}


def variables() -> dict[str, str]:
    """By the name of the option of a module; one in a dictionary of the role as DICTIONARY.KEY."""
    options = sorted(specified().items())
    keys = {option: where for name, option_of in options for option, where in _keys(name, option_of)}
    return {**keys, **{name[len(PREFIX) :]: name for name, _option in options}, **_OTHERWISE}


def _keys(name: str, option: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A key is the option of a module, or is one together with the name of the dictionary."""
    if option["type"] != "dict":
        return
    dictionary = name[len(PREFIX) :]
    for key in option.get("options", {}):
        yield from ((word, f"{name}.{key}") for word in (key, f"{dictionary}_{key}", f"{key}_{dictionary}"))


def named(text: str) -> list[str]:
    """The variables for the options that a text names, in its order; one of a single word is given a value there.

    A single word does not name the key of a dictionary: it would be one such as user, level or directory.
    """
    known = {option: name for option, name in variables().items() if "_" in option or "." not in name}
    words = re.findall(r"(?<![\w.])(?:[a-z]+(?:_[a-z]+)+(?!\w)|[a-z]+(?=: \w))", text)
    return list(dict.fromkeys(known[word] for word in words if word in known))
