# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finish: the one way in which a run comes to its end once the process that worked on it is gone.

The next run, the run's sentry, another worker of its guard, the rescue of a play, and a person by hand all go this way:
forwards, which only opens the database, or backwards, which ends what the migration started before it looks.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils import commands, cutover, queries, rollback
from ansible_collections.pgsafe.migration.plugins.module_utils import identity as identities
from ansible_collections.pgsafe.migration.plugins.module_utils.database import WRITING, session
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.state import end_of
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Identity, Target
from ansible_collections.pgsafe.migration.plugins.module_utils.rollback import Restored, RollbackRequest


def end_what_is_left(target: Target, run_journal: Journal, mine: Identity, after_failover: bool = False) -> int:
    """End the processes that a migration started, then the sessions of its database; returns the number of sessions.

    The processes come first, because they would connect again. Both would write after the look at the database.

    :param mine: the database, whose name a migration may have changed.
    :param after_failover: a person has named the run, and so says that this is its server, whatever its timeline.
    :raises Refused: this is another server, or a session could not be ended.
    """
    commands.end_marked(run_journal.directory)
    with session(target.maintenance, WRITING, "rollback") as server:
        now = identities.read(server, target.maintenance_db)
        here = replace(mine, timeline=now.timeline) if after_failover else mine
        identities.require_same(here, now, same_database=False)
        found = server.rows(queries.NAME_AND_OPEN, (mine.oid,))
        return sum(cutover.end_sessions(server, name) for name, _is_open in found)


def forwards(target: Target, run_journal: Journal, after_failover: bool = False) -> tuple[str, ...] | None:
    """Open the database of a run that has its verdict, or never began to migrate, without a look at it.

    Others may have written since the opening, so a look could take that for the migration's.

    :returns: warnings; None for a run that must go backwards.
    :raises PgsafeError: the database could not be opened.
    """
    state = run_journal.state
    if state.unfinished and not state.accepted:
        return None
    warnings = rollback.let_go(target, run_journal, after_failover)
    if state.unfinished and state.accepted:
        run_journal.append(end_of(state.accepted))
    return warnings


def backwards(request: RollbackRequest, manifest: Manifest, run_journal: Journal | None) -> Restored:
    """Roll the database back to the run's backup; what the migration left at work is ended first.

    :raises PgsafeError: as :func:`rollback.roll_back`.
    """
    if run_journal and run_journal.state.unfinished:
        rollback.require_decided(request, run_journal)
        end_what_is_left(request.target, run_journal, manifest.identity)
    return rollback.roll_back(request, manifest, run_journal)


def settle(target: Target, manifest: Manifest, run_journal: Journal) -> tuple[str, ...]:
    """Record that a person has put the database right; what the migration left at work must not write to it again."""
    if not run_journal.state.unfinished:
        return rollback.let_go(target, run_journal, after_failover=True)
    end_what_is_left(target, run_journal, manifest.identity, after_failover=True)
    warnings = rollback.let_go(target, run_journal, after_failover=True)
    run_journal.append(Event.SETTLED)
    return warnings
