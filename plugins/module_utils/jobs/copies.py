# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the copies of a backup have come to, as a result of a module."""

from __future__ import annotations

from collections.abc import Sequence

from ..backup.places import Copied
from ..console import places as console


def as_result(found: Sequence[Copied], foreseen: bool) -> dict[str, object]:
    whole = [] if foreseen else [copied.location for copied in found if not copied.problem]
    listed = [_listed(copied) for copied in found]
    return {"copies": listed, "copied_to": whole, "console": console.copied(found, foreseen)}


def _listed(copied: Copied) -> dict[str, object]:
    return {
        "path": copied.place.shown,
        "on_controller": copied.place.on_controller,
        "backup_dir": copied.location,
        "copied": copied.made,
        "bytes": copied.bytes,
        "problem": copied.problem,
    }
