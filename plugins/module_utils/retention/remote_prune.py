# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove and pin the backups of a store, by the rules of those of a backup root.

A store has no locks. A removal writes a mark and then looks for a pin; a pin is written before its writer looks for the
mark. So one of the two sees the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ..backup_set.claim import CLAIM, PINNED, REMOVING
from ..backup_set.manifest import SEALS
from ..errors import NotABackup
from ..model import StoreAddress
from ..ports.object_store import Store
from . import remote, rules
from .pin import Pinned, require_whole
from .prune import Pruned, carried_out
from .rules import Decision, Policy, days
from .stored import Condition, StoredBackup

# For less long, a copy that does not grow may still be at work on one part of a large file.
_QUIET = timedelta(days=1)


@dataclass(frozen=True)
class RemotePruneRequest:
    """:param database: whose backups; those of every database when empty."""

    address: StoreAddress
    database: str
    policy: Policy


@dataclass(frozen=True)
class RemotePinRequest:
    """
    :param url: of the directory of a backup, below that of the store.
    :param reason: of the pin; empty to unpin.
    """

    address: StoreAddress
    url: str
    reason: str


def plan(request: RemotePruneRequest) -> Pruned:
    """What would be done, by reading alone.

    :raises BadRequest: the policy would remove the last proven backup.
    :raises FileFailed: the store cannot be listed.
    """
    return _planned(Store(request.address), request)


def run(request: RemotePruneRequest) -> Pruned:
    """
    :raises NotPruned: some of the backups could not be removed; the others are.
    :raises Interrupted: a signal came; what was removed until then is gone.
    :raises PgsafeError: as :func:`plan`.
    """
    store = Store(request.address)
    return carried_out(_planned(store, request), lambda decision: _carried_out(store, decision, request.policy))


def _planned(store: Store, request: RemotePruneRequest) -> Pruned:
    request.policy.require_sound()
    return Pruned(_decided(store, remote.all_of(store, request.database), request.policy))


def _decided(store: Store, found: Sequence[StoredBackup], policy: Policy) -> tuple[Decision, ...]:
    now = datetime.now(timezone.utc)
    return tuple(_of_unfinished(store, of, policy, now) for of in rules.decide(found, policy, now))


def _of_unfinished(store: Store, decision: Decision, policy: Policy, now: datetime) -> Decision:
    """No run has a lock in a store; a copy that has not grown for long is dead."""
    if decision.backup.condition is not Condition.UNFINISHED or decision.backup.pinned:
        return decision
    quiet = now - remote.last_written(store, decision.backup.directory)
    dead = quiet > max(timedelta(days=policy.keep_days), _QUIET)
    reason = f"unfinished; nothing was written for {days(quiet)}" if dead else "unfinished; it may still be copied"
    return Decision(decision.backup, dead, reason)


def _carried_out(store: Store, decision: Decision, policy: Policy) -> Decision:
    """Decide once more behind the mark: it, or those that make it dispensable, may have changed."""
    directory = decision.backup.directory
    store.put(f"{directory}/{REMOVING}", b"")
    again = _again(store, decision, policy)
    if again.removed:
        _remove(store, directory)
        # Of an unfinished copy that one says that the mark has left it.
        return decision
    store.delete(f"{directory}/{REMOVING}")
    return again


def _again(store: Store, decision: Decision, policy: Policy) -> Decision:
    directory = decision.backup.directory
    beside = remote.below(store, str(directory.parent))
    found = [of for of in _decided(store, beside, policy) if of.backup.directory == directory]
    return found[0] if found else replace(decision, removed=False, reason="it is gone")


def _remove(store: Store, directory: Path) -> None:
    """The manifest first, so that what is left is no backup, and the claim last, so that it is known for what it is."""
    there = set(store.objects(str(directory)))
    last = (PINNED, REMOVING, CLAIM)
    # A manifest that is not there is removed too: it may come from a copy that is still at work.
    for name in (*SEALS, *sorted(there - {*SEALS, *last})):
        store.delete(f"{directory}/{name}")
    store.abort_uploads(str(directory))
    for name in last:
        store.delete(f"{directory}/{name}")


def plan_pin(request: RemotePinRequest) -> Pinned:
    """What would be done, by reading alone.

    :raises NotABackup: it is no backup of the store, or no longer one.
    :raises FileFailed: the store cannot be read.
    """
    return _pin_planned(Store(request.address), request)


def run_pin(request: RemotePinRequest) -> Pinned:
    """
    :raises PgsafeError: as :func:`plan_pin`.
    """
    store = Store(request.address)
    found = _pin_planned(store, request)
    name = f"{found.backup.directory}/{PINNED}"
    if not found.changed:
        return found
    if not request.reason:
        store.delete(name)
        return found
    store.put(name, request.reason.encode())
    there = store.objects(str(found.backup.directory))
    if not there.keys() & set(SEALS):
        store.delete(name)
        raise NotABackup(f"The backup {request.url} was removed.", remedy="Pin another one.")
    if REMOVING in there:
        # It stays pinned: of a removal that was killed the mark is left, and the next one looks for a pin.
        raise NotABackup(
            f"The removal of {request.url} had begun before it was pinned.",
            state="It is pinned, unless it is being removed just now.",
            remedy="Look with pgsafe.migration.list whether it is there.",
        )
    return found


def _pin_planned(store: Store, request: RemotePinRequest) -> Pinned:
    directory = remote.directory_of(store, request.url)
    there = store.objects(str(directory))
    if not there:
        raise NotABackup(f"There is no backup {request.url}.", remedy="Look at those of pgsafe.migration.list.")
    found = require_whole(remote.look(store, directory, there))
    if found.condition is Condition.FOREIGN:
        raise NotABackup(f"No copy made {request.url}, so retention leaves it alone.", remedy="Name another one.")
    return Pinned(found, request.reason)
