# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of a recovery: apart from what carries it out, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..journal.journal import Journal
from ..journal.words import Word
from ..model import Target


class Decision(Word):
    """What is to become of a run."""

    # As its journal says: opened where it has a verdict or never began to migrate, else rolled back.
    FINISH = "finish"
    ROLL_BACK = "roll_back"
    # The migration of a held run stays.
    ACCEPT = "accept"
    # A person has fixed the database by other means.
    MARK_RESOLVED = "mark_resolved"


@dataclass(frozen=True)
class RecoverRequest:
    """:param run_id: a run to finish or undo even if it rests between two steps just now.
    :param idle_timeout: seconds that a run may rest before it is taken for dead.
    :param decision: what is to become of the run ``run_id``; of any other, what its journal says.
    :param reason: why, for the journal; with a decision that a person takes.
    :param after_failover: the server is the one of ``run_id``, whatever its timeline.
    """

    target: Target
    backup_root: Path
    jobs: int
    run_id: str
    idle_timeout: int
    decision: Decision
    reason: str
    after_failover: bool


def request_of(run_journal: Journal, target: Target, jobs: int) -> RecoverRequest:
    """The request to bring one run to its end, as its journal says."""
    return RecoverRequest(
        target=target,
        backup_root=run_journal.directory.parent.parent,
        jobs=jobs,
        run_id=run_journal.run_id,
        # A run that is named is not waited for.
        idle_timeout=0,
        decision=Decision.FINISH,
        reason="",
        after_failover=False,
    )
