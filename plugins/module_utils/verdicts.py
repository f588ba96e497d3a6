# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts: the words for how a run ended, one list for modules, journal, role, callback and artifacts.

A run ends well only where a module said so. Without a word from a module the verdict is *unknown*.
"""

from __future__ import annotations

# Ends of a run that began to migrate; its journal has them.
MIGRATED = "migrated"
FAILED_UNCHANGED = "failed_unchanged"
ROLLED_BACK = "rolled_back"
SETTLED = "settled"
ENDS = (MIGRATED, FAILED_UNCHANGED, ROLLED_BACK, SETTLED)

# Nothing was begun: the set was applied before, is pending (check mode), or something stood in the way.
UNCHANGED = "unchanged"
PENDING = "pending"
REFUSED = "refused"

# It began, and did not end.
HELD = "held"
ROLLBACK_FAILED = "rollback_failed"
UNFINISHED = "unfinished"
UNKNOWN = "unknown"

# A restore by hand: the rollback found nothing to do, or another database was made.
AS_BACKUP = "as_backup"
RESTORED = "restored"

WELL = (MIGRATED, UNCHANGED)
WELL_IN_CHECK_MODE = (*WELL, PENDING)

TEXTS = {
    MIGRATED: "migrated and verified",
    FAILED_UNCHANGED: "failed: the database is as it was, nothing had to be restored",
    ROLLED_BACK: "rolled back: the database is as it was before",
    SETTLED: "settled: a person has put the database right",
    UNCHANGED: "unchanged: the set was applied before",
    PENDING: "pending: nothing stands in the way of this migration",
    REFUSED: "refused: nothing was changed",
    HELD: "HELD: migrated, not verified, and closed until a person decides",
    ROLLBACK_FAILED: "ROLLBACK FAILED",
    UNFINISHED: "UNFINISHED: the migration began, and was neither accepted nor rolled back",
    UNKNOWN: "UNKNOWN: no module said how the run ended; look at it with pgsafe.migration.status",
    AS_BACKUP: "is as the backup holds it",
    RESTORED: "restored to another database",
}
