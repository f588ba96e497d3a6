# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verification of a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..text import CROSS, TICK

if TYPE_CHECKING:
    from ..migrate.verification.result import Verification


def verification(found: Verification) -> list[str]:
    """Of a verification by itself."""
    sign = TICK if found.passed else CROSS
    hold = sum(check.passed for check in found.checked)
    lines = [f"{sign} Verification: {len(found.tables)} tables, {hold} of {len(found.checked)} assertions hold"]
    return lines + [f"{CROSS} {problem}" for problem in found.problems] + warned(found)


def warned(found: Verification) -> list[str]:
    return [f"[warning] {warning}" for warning in found.warnings]
