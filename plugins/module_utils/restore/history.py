# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The migrations that a database holds, as the journals of its runs say, and which of them a rollback undoes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..backup_set.manifest import MANIFEST
from ..errors import BadRequest, NotABackup, Refused
from ..journal.events import Event
from ..journal.journal import Journal, all_runs, of_run
from ..journal.verdicts import Verdict
from ..model import Target
from ..ports.database import session
from ..postgres import identity as identities
from ..retention.stored import is_one_server
from . import leftover_runs

# Stands for a directory: the backup of the newest run that migrated the database.
BEFORE_LAST_MIGRATION = "before_last_migration"

_MOST_FILES = 3
_NOTHING_LEFT = (Verdict.FAILED_UNCHANGED, Verdict.ROLLED_BACK, Verdict.RESOLVED)


@dataclass(frozen=True)
class Migration:
    """A run that changed the database and was not rolled back.

    :param armed: when it began to change the database, ISO 8601, UTC.
    :param verdict: one of migrated, held, rollback failed and unfinished.
    :param files: of the migration set, as far as they were applied.
    :param server: the system identifier of its server: several may share a backup root, with databases of one name.
    """

    run_id: str
    armed: str
    verdict: str
    backup_dir: str
    files: tuple[str, ...] = ()
    server: str = ""

    @property
    def told(self) -> str:
        shown = ", ".join(self.files[:_MOST_FILES]) + (", ..." if len(self.files) > _MOST_FILES else "")
        return f"{self.run_id} ({self.verdict}, began at {self.armed}{': ' if shown else ''}{shown})"


@dataclass(frozen=True)
class Undone:
    """
    :param migrations: those that a rollback to a backup undoes, oldest first.
    :param earlier: the newest one, where the backup holds it already and its own run has changed nothing.
    """

    migrations: tuple[Migration, ...]
    earlier: Migration | None


def migrations(backup_root: Path, database: str) -> tuple[Migration, ...]:
    """Oldest first. A rollback to the backup of a run undoes every later migration of the same server, too."""
    runs = [run for run in all_runs(backup_root) if run.database == database]
    rollbacks = [(run.run_id, ended.time, _server(run)) for run in runs if (ended := run.last(Event.ROLLED_BACK))]
    found = [migration for run in runs if (migration := _migration(run))]
    return tuple(of for of in found if not any(_undoes(of, *rollback) for rollback in rollbacks))


def _undoes(migration: Migration, run_id: str, when: str, server: str) -> bool:
    return run_id < migration.run_id and migration.armed < when and is_one_server(server, migration.server)


def _server(run_journal: Journal) -> str:
    identity = leftover_runs.identity_of(run_journal)
    return identity.system_identifier if identity else ""


def _migration(run_journal: Journal) -> Migration | None:
    armed, state = run_journal.last(Event.ARMED), run_journal.state
    if armed is None or state.verdict in _NOTHING_LEFT:
        return None
    verdict = str(state.verdict).replace("_", " ")
    server = _server(run_journal)
    return Migration(run_journal.run_id, armed.time, verdict, run_journal.backup_dir, state.applied, server)


def undone_by(backup_root: Path, database: str, run_id: str) -> Undone:
    """What a rollback to the backup of a run undoes."""
    own = of_run(backup_root, run_id)
    server = _server(own) if own else ""
    known = [of for of in migrations(backup_root, database) if is_one_server(of.server, server)]
    later = tuple(of for of in known if of.run_id >= run_id)
    earlier = [of for of in known if of.run_id < run_id]
    changed = own is not None and own.state.armed
    return Undone(later, earlier[-1] if earlier and not changed else None)


def of_server(backup_root: Path, target: Target) -> tuple[Migration, ...]:
    """The migrations of the target's own database, where databases of one name on other servers share the backup root.

    :raises ConnectionFailed: there are such databases, and the server cannot be asked which one it is.
    """
    known = migrations(backup_root, target.dbname)
    if len({of.server for of in known}) > 1:
        with session(target.maintenance, purpose="history") as server:
            here = identities.read(server, target.maintenance_db).system_identifier
        return tuple(of for of in known if is_one_server(of.server, here))
    return known


def backup_before_last(backup_root: Path, target: Target) -> Path:
    """
    :raises ConnectionFailed: several servers have migrated a database of this name, and this one cannot be asked.
    :raises BadRequest: the journals know of no migration that could be undone.
    :raises NotABackup: retention has removed its backup.
    """
    known = of_server(backup_root, target)
    if not known:
        raise BadRequest(
            f"{BEFORE_LAST_MIGRATION}: no run under {backup_root} has migrated {target.dbname or 'the database'}, or "
            "every one was rolled back.",
            remedy="Check backup_root (pg_migrate_backup_root), or name the directory of a backup.",
        )
    directory = Path(known[-1].backup_dir)
    run_journal = of_run(backup_root, known[-1].run_id)
    pruned = run_journal.last(Event.PRUNING) if run_journal else None
    if pruned and not (directory / MANIFEST).exists():
        raise NotABackup(
            f"The backup before the last migration, {directory}, was removed at {pruned.time} because it was old.",
            remedy="Put it back from another medium, or name an older backup; the playbook pgsafe.migration.list shows "
            "those that are left.",
        )
    return directory


def require_undoing(undone: Undone, database: str, what: str) -> None:
    """
    :param what: why it counts, a sentence.
    :raises Refused: the backup was taken after the last migration, so a rollback to it undoes none.
    """
    if undone.earlier is None or undone.migrations:
        return
    raise Refused(
        f"{what} The backup undoes no migration of {database}: it was taken after the last one, "
        f"{undone.earlier.told}.",
        remedy=f"To undo that migration: pg_migrate_backup_dir={BEFORE_LAST_MIGRATION} (backup_dir). "
        "To lose only the writes after this backup, name its directory instead of a link.",
    )
