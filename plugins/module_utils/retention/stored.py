# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backups of a backup root: what each directory holds, and what the journal of its run says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import names
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed, NotABackup
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.entry import TIME
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal, of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.state import BackupStage, Standing
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.words import Word
from ansible_collections.pgsafe.migration.plugins.module_utils.model import LEVELS
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files

# The link to the newest backup that was verified.
LATEST = "latest"

_DIRECTORY = re.compile(r"migration_(\d{8}_\d{6})(?:_\d+)?")
_ORDER = ("", *LEVELS)
_WAITING = (Standing.RESTS, Standing.HELD, Standing.LEFT)
_RUN_TIME = "%Y%m%d_%H%M%S"


class Condition(Word):
    """What the directory of a backup holds."""

    COMPLETE = "complete"
    IN_USE = "in use"
    UNFINISHED = "unfinished"
    PARTLY_REMOVED = "partly removed"
    UNREADABLE = "unreadable"
    # Complete, and no journal under this backup root says that its run took it.
    FOREIGN = "foreign"


@dataclass(frozen=True)
class StoredBackup:
    """
    :param database: the name of its database; the name of the directory where no manifest says it.
    :param created: when its run began it, UTC.
    :param bytes: of its files, on disk.
    :param level: the level that it was proven up to, ``checksum``, ``decode`` or ``restore``; empty when to none.
    :param verdict: of the migration of its run; empty when the run began none, or is not known.
    :param run_ended: its run waits for nothing: no task, no person, no recovery.
    :param pinned: the reason; empty when it is not pinned.
    :param latest: the link ``latest`` points at it.
    :param problem: why it cannot be read; empty when it can.
    """

    directory: Path
    run_id: str
    database: str
    created: datetime
    bytes: int
    condition: Condition
    level: str = ""
    verdict: str = ""
    run_ended: bool = True
    pinned: str = ""
    latest: bool = False
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether the migration of its run ended, and not well."""
        return self.verdict in (Verdict.ROLLED_BACK.value, Verdict.FAILED_UNCHANGED.value)

    @property
    def proven(self) -> bool:
        return self.condition is Condition.COMPLETE and self.level == "restore"


def as_result(backup: StoredBackup, now: datetime) -> dict[str, Any]:
    """For Ansible."""
    return {
        "backup_dir": str(backup.directory),
        "run_id": backup.run_id,
        "database": backup.database,
        "created": backup.created.strftime(TIME),
        "age_days": round((now - backup.created).total_seconds() / 86400, 2),
        "bytes": backup.bytes,
        "condition": backup.condition.value,
        "level": backup.level,
        "proven": backup.proven,
        "verdict": backup.verdict,
        "pinned": backup.pinned,
        "latest": backup.latest,
    }


def all_of(backup_root: Path, database: str = "") -> tuple[StoredBackup, ...]:
    """Every backup, by database and the newest last; directories of other names are passed over.

    :param database: the name of one database; every one when it is empty.
    :raises FileFailed: the backup root does not exist, or cannot be read.
    :raises Refused: another user could replace the journal of a run.
    """
    if not backup_root.is_dir():
        raise FileFailed(f"The backup root {backup_root} does not exist.", remedy="Check backup_root.")
    wanted = names.directory_name(database) if database else ""
    found = [look(directory) for directory in _directories(backup_root) if wanted in ("", directory.parent.name)]
    return tuple(sorted(found, key=lambda of: (of.database, of.created, of.run_id)))


def _directories(backup_root: Path) -> Iterator[Path]:
    with files.reporting("The backups could not be listed", backup_root):
        parents = [path for path in sorted(backup_root.iterdir()) if not path.name.startswith(".")]
        for parent in parents:
            if parent.is_dir() and not parent.is_symlink():
                yield from (path for path in sorted(parent.iterdir()) if is_directory(path))


def is_directory(path: Path) -> bool:
    """Whether the path is named as the directory of a backup is, and is no link to one."""
    return bool(_DIRECTORY.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def run_of(directory: Path) -> Journal | None:
    """The run of a backup, by the name of its directory."""
    return of_run(directory.parent.parent, directory.name.partition("_")[2])


def look(directory: Path, alive: bool | None = None) -> StoredBackup:
    """
    :param alive: whether a process works on its run, for a caller who holds its lock; None has it found out.
    """
    run_journal = run_of(directory)
    manifest, problem = _manifest(directory)
    busy = run_journal is not None and (run_journal.alive if alive is None else alive)
    state = run_journal.state if run_journal else None
    return StoredBackup(
        directory=directory,
        run_id=directory.name.partition("_")[2],
        database=manifest.identity.name if manifest else directory.parent.name,
        created=_created(directory, manifest),
        bytes=sum(facts.st_size for facts in files.plain_files(directory).values()),
        condition=_condition(run_journal, manifest, problem, busy),
        level=_level(directory, run_journal) if manifest and run_journal else "",
        verdict=state.verdict.value if state and state.armed else "",
        run_ended=state is None or state.standing(alive=False) not in _WAITING,
        pinned=state.pinned if state else "",
        latest=_latest(directory.parent) == directory.name,
        problem=problem,
    )


def _manifest(directory: Path) -> tuple[Manifest | None, str]:
    """The manifest, or why it cannot be used; neither where there is none."""
    if not (directory / manifests.MANIFEST).exists():
        return None, ""
    try:
        found = manifests.read(directory)
    except (NotABackup, FileFailed) as error:
        return None, error.what
    own = f"migration_{found.run_id}" == directory.name
    if not own or names.directory_name(found.identity.name) != directory.parent.name:
        return None, f"its manifest is of the backup {found.run_id} of {found.identity.name}"
    return found, ""


def _condition(run_journal: Journal | None, manifest: Manifest | None, problem: str, busy: bool) -> Condition:
    if busy:
        return Condition.IN_USE
    if problem:
        return Condition.UNREADABLE
    if run_journal is None:
        return Condition.FOREIGN
    if manifest:
        return Condition.COMPLETE
    removed = run_journal.state.backup is BackupStage.REMOVED
    return Condition.PARTLY_REMOVED if removed else Condition.UNFINISHED


def _created(directory: Path, manifest: Manifest | None) -> datetime:
    found = _DIRECTORY.fullmatch(directory.name)
    text, form = (manifest.created, TIME) if manifest else (found[1] if found else "", _RUN_TIME)
    try:
        return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.fromtimestamp(0, timezone.utc)


def moment(text: str) -> datetime:
    """
    :param text: a date, or a date with a time in UTC.
    :raises BadRequest: it is neither.
    """
    for form in (TIME, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    raise BadRequest(f"{text} is no date or time.", remedy="Write it as 2026-11-16 or 2026-11-16T14:30:00Z, in UTC.")


def _level(directory: Path, run_journal: Journal) -> str:
    """The highest level that this very manifest reached; a verification with findings takes a higher one back."""
    sealed, level = manifests.digest_of(directory), ""
    for entry in run_journal.entries():
        if entry.event is Event.VERIFIED and entry.facts.get("manifest_sha256") == sealed:
            reached = str(entry.facts.get("level", ""))
            level = reached if entry.facts.get("findings") else max(level, reached, key=_ORDER.index)
    return level


def _latest(parent: Path) -> str:
    link = parent / LATEST
    return link.resolve().name if link.is_symlink() else ""
