# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hold: after a failed verification the database stays closed, and a person says whether it is rolled back or opened.

No later run, rescue or recovery decides in place of that person.
"""

from __future__ import annotations

from .. import playbooks
from ..errors import Refused
from ..journal import applied_files as migration_record
from ..journal.events import Event
from ..journal.journal import Journal
from ..journal.verdicts import Verdict
from ..model import Target
from ..ports.database import WRITING, session
from ..postgres import login_triggers, queries
from . import run as fence
from .run import Fence

ROLLBACK, HOLD = ON_VERIFY_FAILURE = ("rollback", "hold")

STATE = "The database is as the migration left it, and closed to connections until a person decides."


def choices(run_journal: Journal) -> str:
    """The two commands of which a person chooses one, each on a line of its own."""
    return (
        f"To have the database as it was before: {playbooks.rolling_back(run_journal.backup_dir)}\n"
        f"To open it as it was migrated: {playbooks.deciding(run_journal.run_id, 'accept')}"
    )


def undecided(run_journal: Journal) -> Refused:
    """The message for everyone but that person."""
    return Refused(
        f"The run {run_journal.run_id} holds {run_journal.database}: the migration was applied, the verification "
        "failed, and a person must decide.",
        STATE,
        choices(run_journal),
    )


def require_closing(raised: Fence | None) -> None:
    """
    :raises Refused: without a fence that closes, other sessions would use a migration that was not accepted.
    """
    if raised is None or raised.kind == fence.NONE:
        raise Refused(
            "Without a fence the run cannot hold the database: other sessions would use it after a failed migration.",
            remedy="Choose another pg_migrate_fence than none, or pg_migrate_on_verify_failure: rollback.",
        )


def accept(target: Target, run_journal: Journal, reason: str) -> None:
    """Record the migration as a good one; what is left to do is to open the database.

    The caller holds the run's lock.

    :raises PgsafeError: it could not be recorded; the run is still held.
    """
    raised = fence.recorded(run_journal)
    if raised is None or not run_journal.state.on_hold:
        raise Refused(f"The run {run_journal.run_id} is not held: there is nothing to accept.")
    with session(target.maintenance, purpose="accept") as server:
        found = server.rows(queries.NAME_AND_OPEN, (raised.identity.oid,))
    if not found:
        raise Refused(f"The database that the run {run_journal.run_id} held is gone.")
    here = fence.way_in(target, run_journal).database(found[0][0])
    with session(login_triggers.silenced(here), WRITING, "accept") as server:
        migration_record.mark_verified(server, run_journal.run_id)
    run_journal.append(Event.ACCEPTED, verdict=Verdict.MIGRATED, reason=reason)
