# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is pending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..text import FORESEEN, TICK

if TYPE_CHECKING:
    from ..migrate.run import Plan


def plan(found: Plan) -> list[str]:
    steps = "1 step" if len(found.steps) == 1 else f"{len(found.steps)} steps"
    what = f"{steps}, digest {found.digest[:16]}..."
    if not found.pending:
        by = f"all of the migration set was applied and verified before ({what})"
        by = f"{found.asked} says so" if found.asked else by
        return [f"{TICK} Nothing is pending: {by}", *_version(found)]
    known = len(found.steps) - len(found.files) - len(found.baseline)
    lines = [f"{TICK} Applied before: {known} of {len(found.steps)} files"] if known else []
    lines += [f"{FORESEEN} Baseline, recorded as applied and not run: {name}" for name in found.baseline]
    return lines + [f"{FORESEEN} Pending: {name}" for name in found.files] + _version(found)


def _version(found: Plan) -> list[str]:
    return [f"[info] Version: {visible(found.version)}"] if found.version else []
