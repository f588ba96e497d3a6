# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backups of a backup root: what each directory holds, and what the journal of its run says of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .. import names
from ..backup_set import envelope as envelopes
from ..backup_set import manifest as manifests
from ..backup_set.envelope import Envelope
from ..backup_set.manifest import ENVELOPE, Manifest
from ..errors import BadRequest, FileFailed, NotABackup, PgsafeError
from ..journal.entry import TIME, Entry
from ..journal.events import Event
from ..journal.journal import Journal, of_run
from ..journal.state import BackupStage, Standing
from ..journal.verdicts import Verdict
from ..journal.words import Word
from ..model import LEVELS
from ..ports import files, safe_paths

# The link to the newest backup that was verified.
LATEST = "latest"

_DIRECTORY = re.compile(r"migration_(\d{8}_\d{6})(?:_\d+)?")
_LONGEST_RUN = timedelta(days=1)
# The time of an event has whole seconds.
_LOG_SECONDS = 1.0
Files = Mapping[str, os.stat_result]
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
class Contents:
    """What the seal of a backup says of it: its manifest, or what can be read of an encrypted copy.

    :param sizes: of each file that it lists.
    :param server: the system identifier of its server; empty for an encrypted copy, which does not say it.
    """

    run_id: str
    database: str
    created: str
    sizes: Mapping[str, int]
    encrypted: bool
    server: str = ""

    @property
    def began(self) -> datetime:
        """
        :raises ValueError: it is no time.
        """
        return datetime.strptime(self.created, TIME).replace(tzinfo=timezone.utc)


def contents(sealed: Manifest | Envelope) -> Contents:
    if isinstance(sealed, Manifest):
        sizes = {file.name: file.size for file in sealed.files}
        of = sealed.identity
        return Contents(sealed.run_id, of.name, sealed.created, sizes, encrypted=False, server=of.system_identifier)
    sizes = {name: file.size for name, file in sealed.files.items()}
    return Contents(sealed.run_id, sealed.database, sealed.created, sizes, encrypted=True)


def is_one_server(one: str, other: str) -> bool:
    """Whether two system identifiers may be of one server; one that is not known may be any."""
    return not one or not other or one == other


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
    :param encrypted: it is an encrypted copy.
    :param server: the system identifier of its server, where its manifest says it.
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
    encrypted: bool = False
    server: str = ""

    @property
    def failed(self) -> bool:
        """Whether the migration of its run ended, and not well."""
        return self.verdict in (Verdict.ROLLED_BACK.value, Verdict.FAILED_UNCHANGED.value)

    @property
    def proven(self) -> bool:
        return self.condition is Condition.COMPLETE and self.level == "restore"


def as_result(backup: StoredBackup, now: datetime) -> dict[str, object]:
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
        "encrypted": backup.encrypted,
    }


def all_of(backup_root: Path, database: str = "", held: Path | None = None) -> tuple[StoredBackup, ...]:
    """Every backup, by database and the newest last; directories of other names are passed over.

    :param database: the name of one database; every one when it is empty.
    :param held: the directory of a backup whose run's lock the caller holds.
    :raises FileFailed: the backup root does not exist, or cannot be read.
    """
    if not backup_root.is_dir():
        raise FileFailed(f"The backup root {backup_root} does not exist.", remedy="Check backup_root.")
    wanted = names.directory_name(database) if database else ""
    found = [look(directory, directory == held) for directory in _directories(backup_root, wanted)]
    return tuple(sorted(found, key=lambda of: (of.database, of.created, of.run_id)))


def _directories(backup_root: Path, wanted: str) -> Iterator[Path]:
    with files.reporting("The backups could not be listed", backup_root):
        for parent in sorted(backup_root.iterdir()):
            named = parent.name == wanted if wanted else not parent.name.startswith(".")
            if named and parent.is_dir() and not parent.is_symlink():
                yield from (path for path in sorted(parent.iterdir()) if is_directory(path))


def is_name(name: str) -> bool:
    """Whether the directory of a backup may have the name."""
    return bool(_DIRECTORY.fullmatch(name))


def is_directory(path: Path) -> bool:
    """Whether the path is named as the directory of a backup is, and is no link to one."""
    return is_name(path.name) and path.is_dir() and not path.is_symlink()


def run_of(directory: Path) -> Journal | None:
    """The run of a backup, by the name of its directory."""
    return of_run(directory.parent.parent, directory.name.partition("_")[2])


def look(directory: Path, held: bool = False) -> StoredBackup:
    """What cannot be read is said of the backup, and stops nothing.

    :param held: the caller holds the lock of its run.
    """
    try:
        return _look(directory, held)
    except (PgsafeError, OSError) as error:
        what = error.what if isinstance(error, PgsafeError) else str(error)
        return named(directory, Condition.UNREADABLE, what)


def named(directory: Path, condition: Condition, problem: str) -> StoredBackup:
    """A backup of which the name of its directory is all that is known."""
    run_id, created = directory.name.partition("_")[2], _began(directory)
    return StoredBackup(directory, run_id, directory.parent.name, created, 0, condition, problem=problem)


def _look(directory: Path, held: bool) -> StoredBackup:
    run_journal = run_of(directory)
    there = files.plain_files(directory)
    sealed, problem = _sealed(directory, there)
    busy = run_journal is not None and (run_journal.guarded or (run_journal.alive and not held))
    problem = problem or (_garbled(directory, run_journal, there) if run_journal else "")
    state = run_journal.state if run_journal else None
    return StoredBackup(
        directory=directory,
        run_id=directory.name.partition("_")[2],
        database=sealed.database if sealed else directory.parent.name,
        created=sealed.began if sealed else _began(directory),
        bytes=sum(facts.st_size for facts in there.values()),
        condition=_condition(directory, run_journal, sealed, problem, busy),
        level=proven_level(directory, run_journal) if sealed and run_journal else "",
        verdict=state.verdict.value if state and state.armed else "",
        run_ended=state is None or state.standing(alive=False) not in _WAITING,
        pinned=state.pinned if state else "",
        latest=latest_name(directory.parent) == directory.name,
        problem=problem,
        encrypted=ENVELOPE in there,
        server=sealed.server if sealed else "",
    )


def _sealed(directory: Path, there: Files) -> tuple[Contents | None, str]:
    """What the seal says, or why it cannot be used; neither where there is none."""
    if not there.keys() & set(manifests.SEALS):
        return None, ""
    try:
        plain = manifests.MANIFEST in there
        found = contents(manifests.read(directory) if plain else envelopes.read(directory))
        problem = contradiction(directory, found, {name: facts.st_size for name, facts in there.items()})
    except (NotABackup, FileFailed) as error:
        return None, error.what
    except ValueError as error:
        return None, f"its manifest has an invalid name or time: {error}"
    return (None, problem) if problem else (found, "")


def contradiction(directory: Path, sealed: Contents, sizes: Mapping[str, int]) -> str:
    """In what the manifest is not of the directory that it is in; files are compared by name and size alone."""
    own = f"migration_{sealed.run_id}" == directory.name
    if not own or names.directory_name(sealed.database) != directory.parent.name:
        return f"its manifest is of the backup {sealed.run_id} of {sealed.database}"
    if abs(sealed.began - _began(directory)) > _LONGEST_RUN:
        return f"its manifest says that it was begun at {sealed.created}"
    for name, size in sealed.sizes.items():
        if name not in sizes:
            return f"its file {name} is missing"
        if sizes[name] != size:
            return f"its file {name} has {sizes[name]} bytes instead of {size}"
    return ""


def _garbled(directory: Path, run_journal: Journal, there: Files) -> str:
    """Why the journal cannot be relied on, or does not speak of what the directory holds now."""
    if weakness := safe_paths.weakness(directory):
        return weakness.what
    if run_journal.damaged:
        return "its journal has a line that cannot be read"
    pruning = run_journal.last(Event.PRUNING)
    came_later = pruning and any(
        facts.st_ctime > pruning.moment.timestamp() + _LOG_SECONDS
        for name, facts in there.items()
        if not name.endswith(".log")
    )
    if came_later and not there.keys() & set(manifests.SEALS):
        return "files were put there after its removal had begun"
    return ""


def _is_of(directory: Path, entry: Entry | None) -> bool:
    """Whether an event is of this directory; the backup root may have been moved since."""
    return entry is not None and Path(str(entry.facts.get("backup_dir"))).parts[-2:] == directory.parts[-2:]


def _condition(
    directory: Path, run_journal: Journal | None, sealed: Contents | None, problem: str, busy: bool
) -> Condition:
    if busy:
        return Condition.IN_USE
    if problem:
        return Condition.UNREADABLE
    if run_journal is None or not _is_of(directory, run_journal.last(Event.BACKUP_STARTED)):
        return Condition.FOREIGN
    if sealed:
        return Condition.COMPLETE if _is_of(directory, run_journal.last(Event.BACKED_UP)) else Condition.FOREIGN
    removed = run_journal.state.backup is BackupStage.REMOVED
    return Condition.PARTLY_REMOVED if removed else Condition.UNFINISHED


def _began(directory: Path) -> datetime:
    """By the name of the directory; in the future, where it names no time, so that it is not taken for old."""
    found = _DIRECTORY.fullmatch(directory.name)
    with suppress(ValueError):
        return datetime.strptime(found[1] if found else "", _RUN_TIME).replace(tzinfo=timezone.utc)
    return datetime.max.replace(tzinfo=timezone.utc)


def moment(text: str) -> datetime:
    """
    :param text: a date, or a date with a time in UTC.
    :raises BadRequest: it is neither.
    """
    for form in (TIME, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    raise BadRequest(f"{text} is no date or time.", remedy="Write it as 2026-11-16 or 2026-11-16T14:30:00Z, in UTC.")


def proven_level(directory: Path, run_journal: Journal) -> str:
    """The highest level that this very manifest reached; a verification with findings takes a higher one back."""
    sealed, level = manifests.seal_digest(directory), ""
    for entry in run_journal.entries():
        if entry.event is Event.VERIFIED and entry.facts.get("manifest_sha256") == sealed:
            reached = str(entry.facts.get("level", ""))
            known = reached if reached in _ORDER else ""
            level = known if entry.facts.get("findings") else max(level, known, key=_ORDER.index)
    return level


def latest_name(parent: Path) -> str:
    link = parent / LATEST
    return os.path.basename(os.readlink(link)) if link.is_symlink() else ""  # noqa: PTH115,PTH119  # no link is followed
