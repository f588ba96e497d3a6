# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run has done so far: one fsynced line an event, in a directory that survives reboots."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypedDict

from ..errors import FileFailed, Refused
from ..ports import safe_paths
from ..ports.files import (
    HeldFile,
    append_line,
    append_text,
    is_locked,
    locked,
    make_directory,
    read_text,
    replace_text,
    reporting,
    share,
)
from . import log as log_lines
from .entry import TIME, Entry
from .events import Event
from .state import RunState, fold

RUNS = ".runs"
# The code of a guard.
PROGRAM = "guard_{}.pyz"
JOURNAL = "journal.jsonl"
LOCK = "lock"
GUARD_LOCK = "guard.lock"
READ_LOCK = "read.lock"

# What reading a line raises that is no entry: cut off, no object, or nested without end.
_GARBLED = (ValueError, KeyError, AttributeError, TypeError, RecursionError)


class RunLog(TypedDict):
    """The end of a run's log, for a result."""

    run_id: str
    lines: list[str]


class Journal:
    """The journal of one run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._path = directory / JOURNAL

    @property
    def run_id(self) -> str:
        return self.directory.name

    def append(self, event: Event, **facts: Any) -> None:
        """Record an event durably, before or after it as the event's name says.

        :raises FileFailed: it could not be made durable.
        """
        moment = now()
        # ASCII alone, so that a line that a crash cuts off is still text.
        append_line(self._path, json.dumps({"event": event.value, "time": moment, **facts}))
        self._log(log_lines.told(event, moment, facts))

    def note(self, output: str) -> None:
        """Into the log, what a program of the run has said."""
        self._log(log_lines.output(output))

    def _log(self, text: str) -> None:
        # The journal is what counts: no run fails because of its log.
        with suppress(FileFailed):
            append_text(self._log_path, text)

    @property
    def _log_path(self) -> Path:
        return self.directory / log_lines.name(self.run_id)

    def log_beside(self, backup_dir: Path) -> None:
        """From here on the log is in the directory of the backup, too."""
        with suppress(FileFailed):
            share(self._log_path, backup_dir / self._log_path.name)

    def logged(self) -> RunLog:
        """The end of the log for a result, by which the controller keeps it too."""
        return RunLog(run_id=self.run_id, lines=self.log())

    def log(self) -> list[str]:
        """The end of the log, a line each."""
        with suppress(FileFailed):
            return log_lines.shortened(read_text(self._log_path).splitlines())
        return log_lines.shortened([log_lines.told(of.event, of.time, of.facts) for of in self.entries()])

    def entries(self) -> list[Entry]:
        """All events in order; a last line that a crash cut off is not one.

        :raises FileFailed: the journal cannot be read.
        """
        if not self._path.exists():
            return []
        return list(_parsed(self._path))

    @property
    def state(self) -> RunState:
        """The state of the run by its journal, read anew each time.

        :raises FileFailed: the journal cannot be read.
        """
        return fold(self.entries())

    @property
    def damaged(self) -> bool:
        """Whether a line cannot be read, such as one that a crash cut off.

        :raises FileFailed: the journal cannot be read.
        """
        return self._path.exists() and len(read_text(self._path).splitlines()) != len(self.entries())

    def text(self) -> str | None:
        """The journal as it is; None where it is gone.

        :raises FileFailed: the journal cannot be read.
        """
        return read_text(self._path) if self._path.exists() else None

    def hold(self) -> HeldFile:
        """The journal for a reader who goes on when its directory is renamed or removed.

        :raises FileFailed: there is none, or it cannot be read.
        """
        return HeldFile(self._path)

    def put_back(self, text: str) -> None:
        """Make the journal again, and its directory, after they were renamed or removed.

        :raises FileFailed: the backup root does not exist, or the filesystem refused.
        :raises Refused: another user could replace what is in the backup root.
        """
        safe_paths.require(root_of(self))
        make_directory(self.directory.parent)
        make_directory(self.directory)
        replace_text(self._path, text)

    def last(self, event: Event) -> Entry | None:
        """The newest entry of an event, for its facts."""
        return next((entry for entry in reversed(self.entries()) if entry.event is event), None)

    @property
    def backup_dir(self) -> str:
        """The directory of the run's backup, empty when it never began one."""
        begun = self.last(Event.BACKUP_STARTED)
        return str(begun.facts["backup_dir"]) if begun else ""

    @property
    def idle_timeout(self) -> float | None:
        """Seconds that the run may rest before its watchdog gives it up; None without a watchdog."""
        begun = self.last(Event.FENCING)
        found = begun.facts.get("idle_timeout") if begun else None
        return None if found is None else float(found)

    @property
    def lease(self) -> float:
        """Seconds that the controller of the run may be silent between two tasks; 0 is no lease."""
        begun = self.last(Event.FENCING)
        return float(begun.facts.get("lease") or 0.0) if begun else 0.0

    @property
    def database(self) -> str:
        """The name of the run's database, empty when it never got so far as to say it."""
        begun = self.last(Event.BACKUP_STARTED) or self.last(Event.FENCING)
        return str(begun.facts["database"]) if begun else ""

    @property
    def alive(self) -> bool:
        """Whether some process works on the run just now."""
        return is_locked(self.directory / LOCK)

    @property
    def guarded(self) -> bool:
        """Whether the run has a guard on this host, or the parent of one, which starts another."""
        return is_locked(self.directory / GUARD_LOCK)

    @contextmanager
    def unread(self) -> Iterator[None]:
        """Keep others from beginning to read the backup of the run.

        :raises Refused: a process reads it.
        """
        with locked(self.directory / READ_LOCK) as mine:
            if not mine:
                raise Refused(f"The backup of the run {self.run_id} is being read.", remedy="Wait for it to end.")
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of the run, which proves that a process works on it; the lock goes with the process.

        :raises Refused: another process holds it.
        """
        with locked(self.directory / LOCK) as mine:
            if not mine:
                raise Refused(
                    f"The run {self.run_id} is being worked on by another process.", remedy="Wait for it to end."
                )
            yield


def root_of(run_journal: Journal) -> Path:
    """The backup root of the run."""
    return run_journal.directory.parent.parent


def _parsed(path: Path) -> Iterator[Entry]:
    for line in read_text(path).splitlines():
        with suppress(*_GARBLED):
            facts = json.loads(line)
            yield Entry(_known(facts.pop("event"), path), facts.pop("time"), facts)


def _known(event: str, path: Path) -> Event:
    """
    :raises FileFailed: another version of the collection wrote the journal, so the state of its run is not known.
    """
    try:
        return Event(event)
    except ValueError:
        raise FileFailed(
            f"The journal {path} has an event that this version does not know: {event!r}.",
            remedy="Use the version of pgsafe.migration that wrote the journal.",
        ) from None


def now() -> str:
    return datetime.now(timezone.utc).strftime(TIME)


def new_run(backup_root: Path) -> Journal:
    """Claim a run id, ``YYYYMMDD_HHMMSS`` in UTC, by making its directory; a suffix when it is taken.

    :raises FileFailed: the backup root does not exist or refuses.
    :raises Refused: another user could replace what is in it.
    """
    if not backup_root.is_dir():
        raise FileFailed(
            f"The backup root {backup_root} does not exist.",
            remedy=f"Create it for the user of the play: install -d -m 0700 {backup_root}",
        )
    safe_paths.require(backup_root)
    make_directory(backup_root / RUNS)
    safe_paths.require(backup_root / RUNS)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%d_%H%M%S")
    for suffix in ("", *[f"_{number}" for number in range(2, 1000)]):
        directory = backup_root / RUNS / (stamp + suffix)
        if make_directory(directory):
            return Journal(directory)
    raise FileFailed(f"No free run id could be found for {stamp} in {backup_root}.")


def of_run(backup_root: Path, run_id: str) -> Journal | None:
    """The journal of a run of this backup root, if it has one.

    :raises Refused: another user could replace it.
    """
    directory = backup_root / RUNS / run_id
    if not directory.is_dir():
        return None
    safe_paths.require(directory)
    return Journal(directory)


@contextmanager
def reading(backup_dir: Path, run_id: str) -> Iterator[None]:
    """Keep retention from a backup for the time of the block; any number of processes may read one.

    Where its run has no journal that this user can write to, retention leaves it alone anyway.

    :raises Refused: the backup is being removed, or another user could replace the journal of its run.
    """
    run_journal = of_run(backup_dir.parent.parent, run_id)
    if run_journal is None or not os.access(run_journal.directory, os.W_OK):
        yield
        return
    with locked(run_journal.directory / READ_LOCK, shared=True) as mine:
        if not mine:
            raise Refused(f"The backup {backup_dir} is being removed.", remedy="Take another one.")
        yield


def all_runs(backup_root: Path) -> list[Journal]:
    """Every run of a backup root, oldest first.

    :raises Refused: another user could replace one.
    """
    runs = backup_root / RUNS
    with reporting("The runs could not be listed", runs):
        found = sorted(runs.iterdir()) if runs.is_dir() else []
    for directory in found:
        safe_paths.require(directory)
    return [Journal(directory) for directory in found]
