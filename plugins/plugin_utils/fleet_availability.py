# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long the clients of one host were expected to wait, and have waited, for the fleet report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils.prediction import Waited
from .result_values import mappings, number, text

_FIGURES = ("without_writes", "without_service")


def record(facts: Mapping[str, Any], said: Callable[[str], Any]) -> dict[str, Any] | None:
    """None where no fence was chosen.

    :param facts: those of the preflight.
    :param said: what the migration has returned, by name; nothing while its database is still closed.
    """
    kind = text(facts.get("fence"))
    predicted = next((one for one in mappings(facts.get("predictions")) if text(one.get("kind")) == kind), None)
    if not kind or predicted is None:
        return None
    about = {"fence": kind, "basis": text(predicted.get("basis"))}
    waited = None if kind == "none" else _waited(said)
    if waited is None:
        figures = {name: _figure(predicted, name) for name in _FIGURES}
        return {**about, **figures, "migrating": None, "asking": None}
    seconds, in_all = waited.foreseeable, (waited.without_writes, waited.without_service)
    figures = {name: _figure(predicted, name, *took) for name, *took in zip(_FIGURES, seconds, in_all)}
    return {**about, **figures, "migrating": waited.migrating, "asking": waited.asking}


def _waited(said: Callable[[str], Any]) -> Waited | None:
    closed, migrating = number(said("seconds_closed")), number(said("seconds_migrating"))
    if closed is None or migrating is None:
        return None
    read_only = number(said("seconds_read_only"))
    return Waited(closed if read_only is None else read_only, closed, migrating, number(said("seconds_asking")) or 0.0)


def _figure(
    predicted: Mapping[str, Any], name: str, seconds: float | None = None, in_all: float | None = None
) -> dict[str, float | None]:
    least = number(predicted.get(name))
    most = number(predicted.get(f"{name}_most"))
    was = None if seconds is None else round(seconds, 3)
    return {"predicted": least, "predicted_most": least if most is None else most, "seconds": was, "in_all": in_all}
