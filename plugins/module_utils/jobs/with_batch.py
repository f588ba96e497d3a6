# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a migrated database is rolled back with its batch, as a module's result."""

from __future__ import annotations

from collections.abc import Sequence

from .. import playbooks
from ..console import with_batch as console
from ..fence import verdict_counters
from ..journal.journal import Journal
from ..model import Target
from ..restore import with_batch
from ..restore.run import RestoreRequest
from ..restore.with_batch import Limits


def decided(
    request: RestoreRequest, run_journal: Journal | None, limits: Limits, failed: Sequence[str]
) -> dict[str, object]:
    """
    :param failed: the hosts of the batch that failed, each with its verdict.
    :raises PgsafeError: the run, or what was written since its verdict, cannot be read.
    """
    decision = with_batch.decide(request.target, run_journal, limits)
    by_hand = playbooks.rolling_back(str(request.backup_dir))
    stays = console.stays(decision, failed, by_hand)
    return {
        "changed": decision.rolls_back,
        "verdict": decision.verdict.value,
        "rolls_back": decision.rolls_back,
        "written_since": list(decision.written),
        "stays": stays,
        "console": [f"[warning] {line}" for line in stays] or console.rolls_back(decision, failed, by_hand),
    }


def counted(live: Target, run_journal: Journal | None) -> dict[str, object]:
    """What a rollback would lose, by reading alone."""
    found = verdict_counters.written_since(live, run_journal) if run_journal else None
    written = list(found.lines) if found else []
    lines = [f"[info] What a rollback would lose: {line}" for line in written]
    return {"changed": False, "written_since": written, "console": lines}
