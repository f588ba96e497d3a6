# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The copies of a backup in other places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..text import CROSS, FORESEEN, TICK, size

if TYPE_CHECKING:
    from ..backup.fetch import Fetched
    from ..backup.places import Copied


def copied(found: Sequence[Copied], foreseen: bool) -> list[str]:
    """A line for each place."""
    return [_copied_to(copied, foreseen) for copied in found]


def _copied_to(copied: Copied, foreseen: bool) -> str:
    where = " on the controller" if copied.place.on_controller else ""
    directory = visible(copied.location) + where
    if copied.problem:
        mark = CROSS if copied.place.required else "[warning]"
        return f"{mark} No copy at {visible(copied.place.shown)}{where}: {visible(copied.problem)}"
    if not copied.made:
        return f"{TICK} {directory} is there already" + ("" if foreseen else ", and whole")
    done = f"{FORESEEN} Would copy" if foreseen else f"{TICK} Copied"
    return f"{done} {size(copied.bytes)} to {directory}" + ("" if foreseen else ", and read back")


def fetched(found: Fetched, foreseen: bool) -> list[str]:
    directory = visible(str(found.backup_dir))
    if not found.made:
        return [f"{TICK} {directory} is there already" + ("" if foreseen else ", and whole")]
    done = f"{FORESEEN} Would fetch" if foreseen else f"{TICK} Fetched"
    return [f"{done} {size(found.bytes)} from {visible(found.shown)} to {directory}"]
