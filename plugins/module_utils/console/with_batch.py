# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migrated database whose batch failed: that it is rolled back, or why it stays migrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..foreign_text import visible
from ..text import first_few

if TYPE_CHECKING:
    from ..restore.with_batch import Decision


def rolls_back(decision: Decision, failed: Sequence[str], by_hand: str) -> list[str]:
    """What is about to be done, and what does it when the controller is lost now."""
    return [
        f"[warning] The batch failed ({_hosts(failed)}): this host is rolled back with it",
        *[f"[warning] {visible(line)}" for line in decision.written],
        "[info] After the rollback, what was written since the backup is in the kept database only",
        f"[info] If the play ends here, roll back by hand: {by_hand}",
    ]


def stays(decision: Decision, failed: Sequence[str], by_hand: str) -> list[str]:
    """None for a host that is rolled back."""
    if decision.rolls_back:
        return []
    return [
        f"The batch failed ({_hosts(failed)}), but this host is not rolled back with it: {decision.why_not}",
        *map(visible, decision.written),
        f"To roll it back by hand: {by_hand}",
    ]


def _hosts(failed: Sequence[str]) -> str:
    return visible(first_few(failed))
