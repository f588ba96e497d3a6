# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The runs of a backup root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..text import CROSS, TICK

if TYPE_CHECKING:
    from ..guard.status import RunStatus


def status(found: Sequence[RunStatus]) -> list[str]:
    """A line a run, and what to do about it where something is left."""
    lines = []
    for of in found:
        sign = TICK if of.well else CROSS
        lines.append(f"{sign} {of.run_id} {of.database}: {of.standing} ({of.phase} since {of.since})")
        if of.by_hand:
            lines.append(f"[info] The next run finishes or undoes it. At once, without Ansible: {of.by_hand}")
    return lines or [f"{TICK} There is no run"]
