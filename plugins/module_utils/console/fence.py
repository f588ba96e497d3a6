# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may write, and from when on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import COPIED, FOLLOWED
from ..text import FORESEEN, TICK

if TYPE_CHECKING:
    from ..fence.run import Fenced, FenceRequest, Lifted

_STAYS = {
    "closed": "stays open for writing until the migration; a rollback loses what is written until then",
    COPIED: "stays open for writing until the migration; its files are copied then, for a rollback",
    FOLLOWED: "stays open for writing until seconds before the migration; a verified copy follows it, for a rollback",
    "none": "stays open for writing; a rollback loses what others write",
}


def fence(request: FenceRequest, raised: Fenced) -> list[str]:
    name = request.target.dbname
    if raised.kind in _STAYS:
        return [f"[warning] {name} {_STAYS[raised.kind]}{f' ({request.reason})' if request.reason else ''}"]
    return [f"{TICK} {name} is read-only for other sessions ({raised.sessions_ended} terminated)"]


def fence_foreseen(request: FenceRequest, sessions: int) -> list[str]:
    name = request.target.dbname
    if request.kind in _STAYS:
        return [f"{FORESEEN} {name} {_STAYS[request.kind]}"]
    return [f"{FORESEEN} {name} would be read-only for other sessions ({sessions} would be terminated)"]


def lifted(found: Lifted) -> list[str]:
    lines = [f"{TICK} {found.database} is open to all sessions again"] if found.opened else []
    return lines + [f"[warning] After the opening: {failure}" for failure in found.failures]


def armed(name: str) -> list[str]:
    return [f"{TICK} The database is closed to other sessions; the tasks reach it as {name}"]
