# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory through which the controller, the guard and its worker communicate, one a job and one a run.

The controller touches the lease and may leave an abort; the guard writes its state, the worker its progress and the
result. Every file but the lease is replaced as a whole, so that a reader finds it complete.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict

from ..errors import FileFailed
from ..model import Supervision
from ..ports import files

LEASE, ABORT, STATE, PROGRESS, RESULT, LOG = ("lease", "abort", "state.json", "progress.json", "result.json", "log")

STARTING, RUNNING, TASKS, ABORTING, RECOVERING, WAITING, ENDED = STATES = (
    "starting",
    "running",
    "tasks",
    "aborting",
    "recovering",
    "waiting",
    "ended",
)

# How long the beat of a job may stand still before its guard and its worker are taken for dead.
SILENT_SECONDS = 30.0
GONE = "The guard on the target and its worker are gone."


@dataclass(frozen=True)
class State:
    """How the guard describes itself.

    :param state: one of :data:`STATES`.
    :param reason: why the job was aborted, empty while it goes on.
    :param beat: a number that grows while the guard is alive.
    """

    state: str
    reason: str = ""
    beat: int = 0
    pid: int = 0


class Polled(TypedDict):
    """What the controller needs to poll the guard of a job."""

    directory: str
    run_id: str
    job: str
    lease: float
    poll_interval: float
    progress: bool


@dataclass(frozen=True)
class Channel:
    """The files of one job."""

    directory: Path

    def open(self) -> None:
        """Make the directory and the lease in it.

        :raises FileFailed: the filesystem refused.
        """
        files.make_directory(self.directory)
        files.write_text(self.directory / LEASE, "")

    def for_controller(self, job: str, run_id: str, supervision: Supervision) -> Polled:
        return Polled(
            directory=str(self.directory),
            run_id=run_id,
            job=job,
            lease=supervision.lease,
            poll_interval=supervision.poll_interval,
            progress=supervision.progress,
        )

    def renew(self) -> None:
        """Renew the lease."""
        files.touch(self.directory / LEASE)

    def renewed(self) -> int:
        """When the lease was last touched: a number to compare with an earlier one."""
        with files.reporting("The lease cannot be read", self.directory / LEASE):
            return (self.directory / LEASE).stat().st_mtime_ns

    def abort(self, reason: str) -> None:
        """Ask the guard to abort the job; the first reason stays."""
        if not self.aborted():
            files.replace_text(self.directory / ABORT, reason)

    def aborted(self) -> str:
        """Why the job should be aborted; empty while it should go on."""
        path = self.directory / ABORT
        return (files.read_text(path).strip() or "It was requested.") if path.exists() else ""

    def say(self, state: State) -> None:
        files.replace_volatile(self.directory / STATE, json.dumps(asdict(state)))

    def state(self) -> State | None:
        found = self._read(STATE)
        return State(**found) if found else None

    def progress(self, facts: Mapping[str, Any]) -> None:
        files.replace_volatile(self.directory / PROGRESS, json.dumps(facts))

    def finish(self, result: Mapping[str, Any]) -> None:
        files.replace_text(self.directory / RESULT, json.dumps(result))

    def forget(self) -> None:
        """Remove a result that is not the final one."""
        files.remove(self.directory / RESULT)

    def result(self) -> Mapping[str, Any] | None:
        """The result of the job, None before its end."""
        return self._read(RESULT)

    def _read(self, name: str) -> Mapping[str, Any] | None:
        path = self.directory / name
        if not path.exists():
            return None
        found: Mapping[str, Any] = json.loads(files.read_text(path))
        return found


class Standstill:
    """For how long something has not changed, by the monotonic clock, since wall clocks jump."""

    def __init__(self, value: object) -> None:
        self._seen = value
        self._since = time.monotonic()

    def seconds(self, look: Callable[[], object]) -> float:
        """What cannot be read has not changed."""
        with suppress(FileFailed):
            value = look()
            if value != self._seen:
                self._seen, self._since = value, time.monotonic()
        return time.monotonic() - self._since


class Lease:
    """Whether the lease is still renewed; 0 seconds are no lease, which never lapses."""

    def __init__(self, channel: Channel, seconds: float) -> None:
        self._channel = channel
        self._seconds = seconds
        self._touched = Standstill(channel.renewed())

    def lapsed(self) -> bool:
        return 0 < self._seconds < self._touched.seconds(self._channel.renewed)
