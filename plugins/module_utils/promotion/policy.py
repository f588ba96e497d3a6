# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an environment asks of promotion: ``pg_migrate_promotion``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest

VARIABLE = "pg_migrate_promotion"

_DURATION = re.compile(r"(?P<number>[0-9]+)\s*(?P<unit>[smhdw]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Policy:
    """:param directory: of the records, on the controller; empty for none.
    :param environment: the one that runs here are recorded as; empty where none is recorded.
    :param required: environments whose records are required.
    :param max_age: of the newest record that counts; None for any.
    :param soak: the least age of it.
    :param override: why a person goes on without; empty for no.
    """

    directory: str = ""
    environment: str = ""
    required: tuple[str, ...] = ()
    max_age: timedelta | None = None
    soak: timedelta = timedelta(0)
    override: str = ""


def read(given: Mapping[str, Any] | None) -> Policy:
    """
    :raises BadRequest: the keys contradict each other, or one cannot be read.
    """
    options = {name: value for name, value in (given or {}).items() if value not in (None, "", [])}
    found = Policy(
        directory=str(options.get("dir", "")),
        environment=str(options.get("environment", "")),
        required=tuple(map(str, options.get("required_environments", ()))),
        max_age=_duration("max_age", options["max_age"]) if "max_age" in options else None,
        soak=_duration("soak", options.get("soak", "0")),
        override=str(options.get("override", "")).strip(),
    )
    _require_sound(found)
    return found


def _require_sound(found: Policy) -> None:
    if (found.environment or found.required) and not found.directory:
        raise BadRequest(f"{VARIABLE} names environments and no directory of records.", remedy=f"Set {VARIABLE}.dir.")
    if found.environment and found.environment in found.required:
        raise BadRequest(
            f"{VARIABLE}.required_environments names {found.environment}, which is this environment.",
            remedy="Name the environments that come before it.",
        )
    if found.max_age is not None and found.max_age < found.soak:
        raise BadRequest(f"{VARIABLE}.max_age is shorter than {VARIABLE}.soak, so that no record could pass.")


def _duration(key: str, text: object) -> timedelta:
    found = _DURATION.fullmatch(str(text).strip())
    if not found:
        raise BadRequest(
            f"{VARIABLE}.{key} is no duration: {text}.", remedy="Write a number and a unit, such as 30m, 24h or 14d."
        )
    return timedelta(**{_UNITS[found["unit"]]: int(found["number"])})
