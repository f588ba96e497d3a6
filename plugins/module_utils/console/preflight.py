# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the preflight found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import COPIED, FOLLOWED
from ..prediction import in_lines as prediction
from ..text import CROSS, TICK, size

if TYPE_CHECKING:
    from ..preflight.run import Preflight


def preflight(found: Preflight) -> list[str]:
    facts = found.facts
    about = f"PostgreSQL {facts.server_version_text}; {facts.database}: {size(facts.database_bytes)}"
    lines = [f"{CROSS if found.errors else TICK} Preflight: {about} in {facts.tables} tables"]
    lines.append(f"[info] Estimate: a backup of {size(facts.backup_size.bytes)}")
    if facts.prediction is not None:
        lines += [f"[info] {line}" for line in prediction(facts.prediction, facts.predictions)]
    if facts.fence in (COPIED, FOLLOWED):
        lines.append(f"[info] Clients write until {facts.database} is closed for the migration: {facts.fence_reason}")
    return lines + [f"[{problem.severity}] {problem.told}" for problem in found.problems]
