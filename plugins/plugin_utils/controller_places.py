# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The places for copies that are on the controller: a directory in which each host has one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils import names
from ..module_utils.arguments import COPY_TO
from ..module_utils.backup import controller_place
from ..module_utils.backup.places import Place
from ..module_utils.errors import BadRequest, PgsafeError
from ..module_utils.ports import age, files


def is_one(given: Any) -> bool:
    """:param given: a place as an inventory gives it, of which nothing is sure."""
    return isinstance(given, Mapping) and bool(given.get("controller"))


def any_of(copy_to: Any) -> bool:
    return isinstance(copy_to, list) and any(is_one(given) for given in copy_to)


def typed(copy_to: Any) -> list[dict[str, Any]]:
    """The places with all of their options.

    :raises BadRequest: they are no places.
    """
    found = ArgumentSpecValidator(COPY_TO).validate({"copy_to": copy_to})
    if found.error_messages:
        raise BadRequest(f"{found.error_messages[0]}.", remedy="Check copy_to (pg_migrate_copy_to).")
    places: list[dict[str, Any]] = found.validated_parameters["copy_to"]
    return places


def of_host(given: Mapping[str, Any], host: str) -> Place:
    """:param given: the options of a place, typed."""
    directory = Path(given["controller"]) / names.directory_name(host)
    return Place(directory, given["required"], recipients=tuple(given["age_recipients"]), on_controller=True)


def looked_at(place: Place) -> dict[str, Any]:
    """For the preflight: its free bytes, or why it cannot be used."""
    problem, remedy, free = "", "", 0
    try:
        if place.recipients:
            age.require_recipients(place.recipients)
        free = files.free_space(controller_place.foreseen(place.path)).bytes
    except PgsafeError as error:
        problem, remedy = error.what, error.remedy
    return {
        "place": str(place.path),
        "required": place.required,
        "free_bytes": free,
        "problem": problem,
        "remedy": remedy,
    }
