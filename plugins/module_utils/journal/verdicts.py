# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts: how a run ended, one enumeration for modules, journal, role, callback and artifacts.

A run ends well only where a module said so. Without a word from a module the verdict is *unknown*.
"""

from __future__ import annotations

from .words import Word


class Verdict(Word):
    # Ends of a run that began to migrate; the journal has an event of the same name for each.
    MIGRATED = "migrated"
    FAILED_UNCHANGED = "failed_unchanged"
    ROLLED_BACK = "rolled_back"
    RESOLVED = "resolved"

    # Nothing was begun: the set was applied before, is pending (check mode), or something stood in the way.
    UNCHANGED = "unchanged"
    PENDING = "pending"
    REFUSED = "refused"

    # The migration began and did not end.
    HELD = "held"
    ROLLBACK_FAILED = "rollback_failed"
    UNFINISHED = "unfinished"
    UNKNOWN = "unknown"

    # A restore by hand: the rollback found nothing to do, or another database was made.
    AS_BACKUP = "as_backup"
    RESTORED = "restored"

    # It ended well, and was rolled back because another host of its batch did not.
    ROLLED_BACK_WITH_BATCH = "rolled_back_with_batch"

    # No module says these; the callback sees them.
    UNREACHABLE = "unreachable"
    NOT_REACHED = "not_reached"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def text(self) -> str:
        """The verdict as a person reads it."""
        return _TEXTS[self]


class RestoreState(Word):
    """What a restore has done, or would do."""

    ROLLED_BACK = "rolled_back"
    # To a new database.
    RESTORED = "restored"
    # The live database is as it was at the backup.
    NOT_NEEDED = "not_needed"


ENDS = (Verdict.MIGRATED, Verdict.FAILED_UNCHANGED, Verdict.ROLLED_BACK, Verdict.RESOLVED)

WELL = (Verdict.MIGRATED, Verdict.UNCHANGED)
WELL_IN_CHECK_MODE = (*WELL, Verdict.PENDING)

_TEXTS = {
    Verdict.MIGRATED: "migrated and verified",
    Verdict.FAILED_UNCHANGED: "failed: the database is as it was, nothing had to be restored",
    Verdict.ROLLED_BACK: "rolled back: the database is as it was before",
    Verdict.RESOLVED: "resolved: a person has fixed the database",
    Verdict.UNCHANGED: "unchanged: the set was applied before",
    Verdict.PENDING: "pending: the checks passed, and the migration would run",
    Verdict.REFUSED: "refused: nothing was changed",
    Verdict.HELD: "HELD: migrated, not verified, and closed until a person decides",
    Verdict.ROLLBACK_FAILED: "ROLLBACK FAILED",
    Verdict.UNFINISHED: "UNFINISHED: the migration began, and was neither accepted nor rolled back",
    Verdict.UNKNOWN: "UNKNOWN: no module said how the run ended; look at it with pgsafe.migration.status",
    Verdict.AS_BACKUP: "is as the backup holds it",
    Verdict.RESTORED: "restored to another database",
    Verdict.ROLLED_BACK_WITH_BATCH: "rolled back with its batch: the database is as it was before",
    Verdict.UNREACHABLE: "unreachable",
    Verdict.NOT_REACHED: "not reached: nothing was changed",
    Verdict.FINISHED: "finished without a failure",
    Verdict.FAILED: "failed",
}


def of_word(word: str) -> Verdict:
    """The verdict that a result or a fact names; *unknown* for any other word."""
    return Verdict(word) if word in set(Verdict) else Verdict.UNKNOWN
