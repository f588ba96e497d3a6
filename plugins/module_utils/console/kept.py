# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The databases that rollbacks have kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..text import FORESEEN, TICK, counted, size

if TYPE_CHECKING:
    from ..restore.kept import Decision as KeptDecision


def kept(decisions: Sequence[KeptDecision], foreseen: bool) -> list[str]:
    """What is dropped of the kept databases, what stays, and why; nothing where there is none."""
    lines = [_kept(decision, foreseen) for decision in decisions]
    total = sum(decision.database.bytes for decision in decisions)
    first = f"{TICK} {counted(len(decisions), 'database')} kept beside the live one, {size(total)}"
    return [first, *lines] if lines else []


def _kept(decision: KeptDecision, foreseen: bool) -> str:
    found, sign = decision.database, f"{TICK} Kept"
    if decision.due and foreseen:
        sign = f"{FORESEEN} Would drop" if decision.copy else f"{FORESEEN} Would drop, once it is confirmed,"
    if decision.dropped:
        sign = f"{TICK} Dropped"
    since = f"since {found.since:%Y-%m-%d %H:%M} UTC, " if found.since else ""
    where = f"backup {found.backup_dir}, " if found.backup_dir else ""
    return f"{sign} {visible(found.name)}, {size(found.bytes)}, {since}{visible(where)}{visible(decision.reason)}"
