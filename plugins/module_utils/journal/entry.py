# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One line of a journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .events import Event

TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Entry:
    """:param time: ISO 8601, UTC, for people; the order of the lines is what counts."""

    event: Event
    time: str
    facts: Mapping[str, Any]

    @property
    def moment(self) -> datetime:
        return datetime.strptime(self.time, TIME).replace(tzinfo=timezone.utc)
