# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of the role for the options of its modules."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

_SPECS = Path(__file__).parents[2] / "roles" / "pg_migrate" / "meta" / "argument_specs.yml"
_PREFIX = "pg_migrate_"
_OTHERWISE = {"login_db": "pg_migrate_db"}


def variables() -> dict[str, str]:
    """By the name of the option."""
    specs = yaml.safe_load(_SPECS.read_text(encoding="utf-8"))["argument_specs"].values()
    names = sorted({name for spec in specs for name in spec["options"]})
    return {**{name[len(_PREFIX) :]: name for name in names}, **_OTHERWISE}


def named(text: str) -> list[str]:
    """The variables for the options that a text names, in its order; one of a single word is given a value there."""
    known = variables()
    words = re.findall(r"(?<![\w.])(?:[a-z]+(?:_[a-z]+)+(?!\w)|[a-z]+(?=: \w))", text)
    return list(dict.fromkeys(known[word] for word in words if word in known))
