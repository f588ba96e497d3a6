# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a migration may change a database: the backup of this run, proven, of this very database, and confirmed.

Held here and not by the order of a playbook's tasks, which tags, --start-at-task and ignore_errors can change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..errors import Refused
from ..journal.events import Event
from ..journal.journal import Journal, of_run
from ..journal.state import FenceStage
from ..model import LEVELS, Target
from ..ports import safe_paths
from ..ports.database import session
from ..postgres import identity, login_triggers

_MAX_AGE = timedelta(hours=24)


@dataclass(frozen=True)
class Claim:
    """What the caller claims of a database that is about to be changed.

    :param run_id: the run that the backup must be of.
    :param level: the level of proof that the backup must have reached.
    :param confirmed_database: the name that was confirmed; it must be the database's.
    """

    target: Target
    backup_dir: Path
    run_id: str
    level: str
    confirmed_database: str


def granted(claim: Claim) -> tuple[Manifest, Journal]:
    """The manifest and the journal of the run that may change the database.

    :raises Refused: something that protects the database is missing; the message says what.
    """
    if claim.backup_dir == Path():
        raise _no_permit("backup_dir is not set")
    safe_paths.require(claim.backup_dir)
    manifest = manifests.read(claim.backup_dir)
    if manifest.run_id != claim.run_id:
        raise _no_permit(f"the backup {claim.backup_dir} belongs to the run {manifest.run_id}, not to {claim.run_id}")
    run_journal = of_run(claim.backup_dir.parent.parent, manifest.run_id)
    if run_journal is None:
        raise _no_permit(f"the run {manifest.run_id} has no journal beside its backup")
    _require_proof(claim, run_journal)
    _require_recent(manifest)
    if claim.confirmed_database != claim.target.dbname:
        raise Refused(
            f"The migration of {claim.target.dbname} was not confirmed.",
            remedy=f"Answer yes at the prompt, or set pg_migrate_confirm: {claim.target.dbname}",
        )
    with session(login_triggers.silenced(claim.target), purpose="identity") as reader:
        identity.require_same(manifest.identity, identity.read(reader))
    return manifest, run_journal


def _require_proof(claim: Claim, run_journal: Journal) -> None:
    proof = run_journal.last(Event.VERIFIED)
    if proof is None:
        raise _no_permit("the backup was never verified")
    if proof.facts.get("manifest_sha256") != manifests.digest_of(claim.backup_dir):
        raise _no_permit("the backup is not the one that was verified: its manifest differs")
    reached = proof.facts.get("level", "")
    if reached not in LEVELS or LEVELS.index(reached) < LEVELS.index(claim.level):
        raise _no_permit(f"the backup was verified to the level {reached or 'none'!r}; {claim.level!r} is required")


def _require_recent(manifest: Manifest) -> None:
    created = datetime.strptime(manifest.created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    if datetime.now(timezone.utc) - created > _MAX_AGE:
        raise _no_permit(f"the backup was taken at {manifest.created} and is older than {_MAX_AGE}")


def require_unused(run_journal: Journal) -> None:
    """
    :raises Refused: the run has been used for a migration before.
    """
    state = run_journal.state
    if state.armed:
        raise _no_permit(f"the run {run_journal.run_id} has already been used ({state.verdict})")


def require_fenced(run_journal: Journal) -> None:
    """
    :raises Refused: the run was given up meanwhile, and others may have written since its backup.
    """
    if run_journal.state.fence is FenceStage.LIFTED:
        raise _no_permit(f"the fence of the run {run_journal.run_id} was lifted meanwhile")


def _no_permit(why: str) -> Refused:
    return Refused(
        f"Refusing to migrate: no verified backup from this run ({why}).",
        remedy="Run the whole playbook pgsafe.migration.migrate; it takes and proves a backup first.",
    )
