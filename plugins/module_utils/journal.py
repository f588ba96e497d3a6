# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run has done so far: one fsynced line an event, in a directory that survives reboots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import run_log, safe_paths, verdicts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.files import (
    append_line,
    append_text,
    locked,
    make_directory,
    read_text,
    reporting,
    share,
)

RUNS = ".runs"
JOURNAL = "journal.jsonl"
LOCK = "lock"

_TIME = "%Y-%m-%dT%H:%M:%SZ"

# Events after which the database may differ from what it was, until one of the ENDS follows.
ARMED = "armed"
ENDS = verdicts.ENDS

# The verification failed, and a person is to say what becomes of the database.
HELD = verdicts.HELD
ROLLING_BACK = "rolling_back"

# A guard was started for one of the run's jobs.
GUARDED = "guarded"

# Written before the first step of a fence, and after the last step of its undo.
FENCING = "fencing"
OPENED = "opened"

# The verdict is in: from here a run is finished forwards, by opening the database, whichever it is.
ACCEPTED = "accepted"


@dataclass(frozen=True)
class Entry:
    """:param time: ISO 8601, UTC, for people; the order of the lines is what counts."""

    event: str
    time: str
    facts: dict[str, Any]

    @property
    def moment(self) -> datetime:
        return datetime.strptime(self.time, _TIME).replace(tzinfo=timezone.utc)


class Journal:
    """The journal of one run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._path = directory / JOURNAL

    @property
    def run_id(self) -> str:
        return self.directory.name

    def append(self, event: str, **facts: Any) -> None:
        """Record an event durably, before or after it as the event's name says.

        :raises FileFailed: it could not be made durable.
        """
        moment = now()
        # ASCII alone, so that a line that a crash cuts off is still text.
        append_line(self._path, json.dumps({"event": event, "time": moment, **facts}))
        self._log(run_log.told(event, moment, facts))

    def note(self, output: str) -> None:
        """Into the log, what a program of the run has said."""
        self._log(run_log.output(output))

    def _log(self, text: str) -> None:
        # The journal is what counts: no run fails because of its log.
        with suppress(FileFailed):
            append_text(self._log_path, text)

    @property
    def _log_path(self) -> Path:
        return self.directory / run_log.name(self.run_id)

    def log_beside(self, backup_dir: Path) -> None:
        """From here on the log is in the directory of the backup, too."""
        with suppress(FileFailed):
            share(self._log_path, backup_dir / self._log_path.name)

    def logged(self) -> dict[str, Any]:
        """The end of the log for a result, by which the controller keeps it too."""
        return {"run_id": self.run_id, "lines": self.log()}

    def log(self) -> list[str]:
        """The end of the log, a line each."""
        with suppress(FileFailed):
            return run_log.shortened(read_text(self._log_path).splitlines())
        return run_log.shortened([run_log.told(of.event, of.time, of.facts) for of in self.entries()])

    def entries(self) -> list[Entry]:
        """All events in order; a last line that a crash cut off is not one.

        :raises FileFailed: the journal cannot be read.
        """
        if not self._path.exists():
            return []
        return list(_parsed(read_text(self._path)))

    def last(self, *events: str) -> Entry | None:
        """The newest entry of one of the events."""
        return next((entry for entry in reversed(self.entries()) if entry.event in events), None)

    def since(self, event: str, *events: str) -> list[Entry]:
        """Those of the events that came after the newest one of ``event``."""
        entries = self.entries()
        begun = max((number for number, entry in enumerate(entries) if entry.event == event), default=-1)
        return [entry for entry in entries[begun + 1 :] if entry.event in events]

    @property
    def backup_dir(self) -> str:
        """The directory of the run's backup, empty when it never began one."""
        begun = self.last("backup_started")
        return str(begun.facts["backup_dir"]) if begun else ""

    @property
    def unfinished(self) -> bool:
        """Whether the run may have changed the database and has not reached an end."""
        newest = self.last(ARMED, *ENDS)
        return newest is not None and newest.event == ARMED

    @property
    def on_hold(self) -> bool:
        """Whether a person is to decide, and has not begun to have it one way or the other."""
        newest = self.last(ARMED, HELD, ROLLING_BACK, ACCEPTED, *ENDS)
        return newest is not None and newest.event == HELD

    @property
    def fenced(self) -> bool:
        """Whether the database may still be fenced by this run."""
        newest = self.last(FENCING, OPENED)
        return newest is not None and newest.event == FENCING

    @property
    def accepted(self) -> str:
        """The verdict of a run that may lack no more than the opening of the database; empty before there is one."""
        newest = self.last(ARMED, ACCEPTED)
        return str(newest.facts["verdict"]) if newest and newest.event == ACCEPTED else ""

    @property
    def verdict(self) -> str:
        """One of :mod:`verdicts`, by what the journal has; never one that ends well without its line."""
        newest = self.last(ARMED, *ENDS)
        if newest is None or newest.event != ARMED:
            return newest.event if newest else verdicts.REFUSED
        if self.on_hold:
            return verdicts.HELD
        given_up = not self.fenced and self.since(ARMED, verdicts.ROLLBACK_FAILED)
        return verdicts.ROLLBACK_FAILED if given_up else verdicts.UNFINISHED

    @property
    def patience(self) -> float | None:
        """Seconds that the run may rest before its sentry gives it up; None without a sentry."""
        begun = self.last(FENCING)
        found = begun.facts.get("patience") if begun else None
        return None if found is None else float(found)

    @property
    def database(self) -> str:
        """The name of the run's database, empty when it never got so far as to say it."""
        begun = self.last(FENCING, "backup_started")
        return str(begun.facts["database"]) if begun else ""

    @property
    def alive(self) -> bool:
        """Whether some process works on the run just now."""
        try:
            with self.held():
                return False
        except Refused:
            return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run's lock, which proves that somebody alive works on it and goes with its process.

        :raises Refused: another process holds it.
        """
        with locked(self.directory / LOCK) as mine:
            if not mine:
                raise Refused(
                    f"The run {self.run_id} is being worked on by another process.", remedy="Wait for it to end."
                )
            yield


def _parsed(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        with suppress(ValueError, KeyError):
            facts = json.loads(line)
            yield Entry(facts.pop("event"), facts.pop("time"), facts)


def now() -> str:
    return datetime.now(timezone.utc).strftime(_TIME)


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
