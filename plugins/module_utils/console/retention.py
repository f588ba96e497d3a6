# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stored backups: which there are, which are pruned, and which are pinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..retention import rules
from ..retention.stored import Condition
from ..text import CROSS, FORESEEN, TICK, counted, size

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ..retention.pin import Pinned
    from ..retention.prune import Pruned
    from ..retention.stored import StoredBackup


def backups(found: Sequence[StoredBackup], root: Path | str, now: datetime) -> list[str]:
    """A line for each backup, and how many there are."""
    proven, total = sum(backup.proven for backup in found), sum(backup.bytes for backup in found)
    sums = f"{counted(len(found), 'backup')} under {root}, {proven} of them proven, {size(total)}"
    return [f"{TICK if found else CROSS} {sums}", *[_backup(backup, now) for backup in found]]


def _backup(backup: StoredBackup, now: datetime) -> str:
    sound = backup.condition in (Condition.COMPLETE, Condition.IN_USE)
    told = [
        "" if backup.condition is Condition.COMPLETE else f"{backup.condition}",
        backup.problem,
        size(backup.bytes),
        f"{rules.days(now - backup.created)} old",
        f"proven ({backup.level})" if backup.level else "not proven",
        backup.verdict.replace("_", " "),
        f"pinned: {backup.pinned}" if backup.pinned else "",
        "latest" if backup.latest else "",
        "encrypted" if backup.encrypted else "",
    ]
    return f"{TICK if sound else CROSS} {_named(backup)}: {visible(', '.join(filter(None, told)))}"


def _named(backup: StoredBackup) -> str:
    return f"{backup.run_id} {visible(backup.database)}"


def pruned(found: Pruned, foreseen: bool) -> list[str]:
    """What goes, what stays, and why."""
    removed = f"{FORESEEN} Would remove" if foreseen else f"{TICK} Removed"
    lines = [
        f"{removed if decision.removed else f'{TICK} Kept'} {_named(decision.backup)}, {size(decision.backup.bytes)}: "
        f"{visible(decision.reason)}"
        for decision in found.decisions
    ]
    number, kept = len(found.removed), len(found.decisions) - len(found.removed)
    return [*lines, f"{removed} {counted(number, 'backup')}, {size(found.freed)}; {kept} kept"]


def pinned(found: Pinned) -> list[str]:
    named = _named(found.backup)
    return [f"{TICK} Pinned {named}: {visible(found.reason)}" if found.reason else f"{TICK} Unpinned {named}"]
