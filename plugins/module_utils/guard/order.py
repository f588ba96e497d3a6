# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An order to a guard: on its standard input or through a named pipe, never in a file, since it holds a password."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import codec
from ..journal.journal import Journal
from ..model import Target
from ..ports import files
from ..restore.request import request_of
from .channel import Channel

if TYPE_CHECKING:
    from ..jobs.registry import Request

# In the directory of a run: the connection to its database, without a password, for finishing the run by hand.
CONNECTION = "connection.json"

# In the same directory: the named pipe through which the guard gets its orders.
ORDERS = "orders"


@dataclass(frozen=True)
class Order:
    """:param job: the name of one of the jobs; empty to watch the run.
    :param request: of the job; without one, to recover.
    :param run_directory: of the run that the job belongs to.
    :param directory: of the job's channel; without a job, of the run.
    :param lease: seconds without a renewal after which the lease lapses; 0 is no lease.
    :param grace: seconds that a worker may take to end on request.
    :param idle_timeout: seconds that a run may rest between two tasks.
    :param server_patience: seconds to wait for a server that does not answer before giving up a rollback.
    :param script: the program of the worker.
    :param environment: of the task that gives the order, and so of the worker.
    :param for_tasks: whether the job keeps the window open for the user's tasks.
    """

    job: str
    request: Request
    run_directory: str
    directory: str
    lease: float
    grace: float = 0.0
    idle_timeout: float = 0.0
    server_patience: float = 600.0
    script: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    for_tasks: bool = False

    @property
    def channel(self) -> Channel:
        return Channel(Path(self.directory))

    @property
    def lease_channel(self) -> Channel:
        """Has the lease that the controller renews: of the job, or while the user's own tasks run, of the run."""
        return Channel(Path(self.run_directory)) if self.for_tasks else self.channel

    @property
    def token(self) -> str:
        """Marks the sessions of the job's worker; unique among all jobs of all hosts and backup roots."""
        return "#" + hashlib.sha256(f"{platform.node()}:{self.directory}".encode()).hexdigest()[:12]

    @property
    def journal(self) -> Journal:
        return Journal(Path(self.run_directory))

    @property
    def by_hand(self) -> bool:
        """Whether a person has asked for the job, and decides about the run when the job is aborted."""
        return self.job == "restore"

    @property
    def idle(self) -> Order:
        """The order to watch the run, with the lease of the run instead of the job's."""
        if not self.job:
            return self
        return replace(self.recovering(), job="", directory=self.run_directory, lease=self.journal.lease)

    def recovering(self) -> Order:
        """The order to finish or undo the run, after the job of this order."""
        request = request_of(self.journal, self.request.target, self.request.jobs)
        return replace(self, job="recover", request=request, for_tasks=False)

    def packed(self) -> bytes:
        """The job's name comes first: it says what the rest may contain."""
        packed = codec.encoded({field.name: getattr(self, field.name) for field in fields(self)})
        return f"{self.job} {packed}".encode()


def send(run_directory: Path, order: Order) -> bool:
    """Send an order to the guard of the run; False where there is none, or it does not take the order now."""
    return files.send_line(run_directory / ORDERS, order.packed())


def packed_way(target: Target) -> str:
    """The connection to a database, without a password; for the file :data:`CONNECTION`."""
    keywords = {name: value for name, value in target.params.items() if name != "password"}
    return codec.encoded(replace(target, params=keywords))
