# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an environment asks of promotion: ``pg_migrate_promotion``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from .. import durations
from ..errors import BadRequest

VARIABLE = "pg_migrate_promotion"

# What YAML and Ansible write for yes, no and nothing: a switch, and not why.
_SWITCHES = ("0", "0.0", "n", "no", "f", "false", "off", "1", "1.0", "y", "yes", "t", "true", "on")
_NO_REASON = frozenset({*_SWITCHES, "null", "none", "~", "{}", "[]"})


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


def read(given: object) -> Policy:
    """
    :raises BadRequest: the keys contradict each other, or one cannot be read.
    """
    if given is not None and not isinstance(given, Mapping):
        raise BadRequest(f"{VARIABLE} is no dictionary.", remedy="Write its keys below it, such as dir.")
    options = {name: value for name, value in (given or {}).items() if value is not None and value not in ("", [])}
    found = Policy(
        directory=str(options.get("dir", "")),
        environment=str(options.get("environment", "")),
        required=_environments(options.get("required_environments", [])),
        max_age=durations.read(f"{VARIABLE}.max_age", options["max_age"]) if "max_age" in options else None,
        soak=durations.read(f"{VARIABLE}.soak", options.get("soak", "0")),
        override=_reason(options.get("override", "")),
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


def _environments(given: object) -> tuple[str, ...]:
    """Each once, in their order."""
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) and name.strip() for name in given):
        raise BadRequest(
            f"{VARIABLE}.required_environments is no list of names.", remedy="Write a list, such as [staging]."
        )
    return tuple(dict.fromkeys(map(str, given)))


def _reason(given: object) -> str:
    if not isinstance(given, str) or given.strip().casefold() in _NO_REASON:
        raise BadRequest(
            f"{VARIABLE}.override is a reason in words, and not {given!r}.",
            remedy="Say why the run goes on, or leave it empty.",
        )
    return str(given).strip()
