# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prune: remove the backups that retention does not keep, the manifest of each first.

A removal that is broken off leaves a directory without a manifest, which is no backup; the next one removes the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from ..backup_set import manifest as manifests
from ..errors import FileFailed, PgsafeError, Refused
from ..journal.events import Event
from ..ports import files, signals
from . import rules, stored
from .rules import Decision, Policy


@dataclass(frozen=True)
class PruneRequest:
    """:param database: whose backups; those of every database when empty."""

    backup_root: Path
    database: str
    policy: Policy


@dataclass(frozen=True)
class Pruned:
    """:param decisions: by what was done: one that could not be carried out is kept, with the reason.
    :param failures: what could not be removed, and why.
    """

    decisions: tuple[Decision, ...]
    failures: tuple[str, ...] = ()

    @property
    def removed(self) -> tuple[Decision, ...]:
        return tuple(decision for decision in self.decisions if decision.removed)

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(decision.backup.bytes for decision in self.removed)


class NotPruned(FileFailed):
    """Some of the backups could not be removed."""

    def __init__(self, found: Pruned) -> None:
        listed = "".join(f"\n  {failure}" for failure in found.failures)
        super().__init__(f"Not every backup could be removed:{listed}\n", remedy="Fix the cause, and run again.")
        self.found = found


def plan(request: PruneRequest) -> Pruned:
    """What would be done, by reading alone.

    :raises BadRequest: the policy would remove the last proven backup.
    :raises FileFailed: the backup root cannot be read.
    :raises Refused: another user could replace the journal of a run.
    """
    request.policy.require_sound()
    found = stored.all_of(request.backup_root, request.database)
    return Pruned(rules.decide(found, request.policy, datetime.now(timezone.utc)))


def run(request: PruneRequest) -> Pruned:
    """
    :raises NotPruned: some of the backups could not be removed; the others are.
    :raises Interrupted: a signal came; what was removed until then is gone.
    :raises PgsafeError: as :func:`plan`.
    """
    return carried_out(plan(request), lambda decision: _carried_out(decision, request))


def carried_out(planned: Pruned, carry_out: Callable[[Decision], Decision]) -> Pruned:
    """Remove what is planned, each by itself.

    :param carry_out: removes a backup, and gives the decision as it was done.
    :raises NotPruned, Interrupted: as :func:`run`.
    """
    done: list[Decision] = []
    failures: list[str] = []
    try:
        with signals.raised("The removal of backups"):
            for decision in planned.decisions:
                try:
                    done.append(carry_out(decision) if decision.removed else decision)
                except FileFailed as error:
                    failures.append(f"{decision.backup.directory}: {error.what}")
                    done.append(replace(decision, removed=False, reason=error.what))
    except PgsafeError as error:
        raise error.with_state(_state(Pruned(tuple(done)))) from error
    found = Pruned(tuple(done), tuple(failures))
    if failures:
        raise NotPruned(found).with_state(_state(found))
    return found


def _state(found: Pruned) -> str:
    removed = [decision.backup.directory.name for decision in found.removed]
    return f"Removed: {', '.join(removed)}." if removed else "No backup was removed."


def _carried_out(decision: Decision, request: PruneRequest) -> Decision:
    """Decide once more under the lock of its run: it, or those that make it dispensable, may have changed."""
    backup = decision.backup
    run_journal = stored.run_of(backup.directory)
    if run_journal is None:
        return replace(decision, removed=False, reason="its run is gone")
    try:
        with run_journal.held(), run_journal.unread():
            again = _decided(backup.directory, request.policy)
            if not again.removed:
                return again
            run_journal.append(Event.PRUNING, backup_dir=str(backup.directory), reason=decision.reason)
            # A pin does not wait for the lock of the run; it looks for this event behind its own.
            if pinned := run_journal.state.pinned:
                return replace(decision, removed=False, reason=f"pinned: {pinned}")
            _remove(backup.directory)
    except Refused:
        return replace(decision, removed=False, reason="in use")
    return decision


def _decided(directory: Path, policy: Policy) -> Decision:
    root, now = directory.parent.parent, datetime.now(timezone.utc)
    beside = [of for of in stored.all_of(root, held=directory) if of.directory.parent == directory.parent]
    return next(of for of in rules.decide(beside, policy, now) if of.backup.directory == directory)


def _remove(directory: Path) -> None:
    for name in manifests.SEALS:
        if (directory / name).exists():
            files.remove(directory / name)
            files.sync_directory(directory)
    files.remove_tree(directory)
    files.sync_directory(directory.parent)
