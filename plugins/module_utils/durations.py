# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Durations as people write them: a number and a unit."""

from __future__ import annotations

import re
from datetime import timedelta

from .errors import BadRequest

_DURATION = re.compile(r"(?P<number>[0-9]+)\s*(?P<unit>[smhdw]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=3653)
_MOST_DIGITS = 9


def read(option: str, text: object) -> timedelta:
    """
    :param option: that has it, for the message.
    :raises BadRequest: it is no duration, or longer than 10 years.
    """
    found = _DURATION.fullmatch(str(text).strip())
    if not found:
        raise BadRequest(
            f"{option} is no duration: {text}.", remedy="Write a number and a unit, such as 30m, 24h or 14d."
        )
    span = timedelta(**{_UNITS[found["unit"]]: 1})
    number = found["number"]
    if len(number) > _MOST_DIGITS or span.total_seconds() * int(number) > _LONGEST.total_seconds():
        raise BadRequest(f"{option} is longer than 10 years: {text}.")
    return span * int(number)
