# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a guard is told when it starts: on its standard input, since there is a password in it."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import codec
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover

# In the directory of a run: how its database is reached, without a password, for finishing it by hand.
CONNECTION = "connection.json"


@dataclass(frozen=True)
class Order:
    """:param job: the name of one of the jobs; a watchdog's is to recover.
    :param request: of the job.
    :param run_directory: of the run that the job belongs to.
    :param directory: of the job's channel.
    :param lease: seconds that it may go unrenewed.
    :param grace: seconds that a worker may take to end when asked; a watchdog has none.
    :param idle_timeout: seconds that a run may rest between two tasks; for its watchdog.
    :param server_patience: seconds to wait for a server that does not answer before a rollback is given up.
    """

    job: str
    request: registry.Request
    run_directory: str
    directory: str
    lease: float
    grace: float = 0.0
    idle_timeout: float = 0.0
    server_patience: float = 600.0

    @property
    def channel(self) -> Channel:
        return Channel(Path(self.directory))

    @property
    def token(self) -> str:
        """Marks the sessions of the job's worker; no other job has it, of whatever host or backup root."""
        return "#" + hashlib.sha256(f"{platform.node()}:{self.directory}".encode()).hexdigest()[:12]

    @property
    def journal(self) -> Journal:
        return Journal(Path(self.run_directory))

    def recovering(self) -> Order:
        """The order to finish or undo what this one's job has left of its run."""
        request = recover.request_of(self.journal, self.request.target, self.request.jobs)
        return replace(self, job="recover", request=request)

    def packed(self) -> bytes:
        return codec.encoded({field.name: getattr(self, field.name) for field in fields(self)}).encode()


def unpacked(data: bytes) -> Order:
    return Order(**codec.decoded(data.decode(), registry.TYPES))


def packed_way(target: Target) -> str:
    """How a database is reached, without a password; for the file :data:`CONNECTION`."""
    keywords = {name: value for name, value in target.params.items() if name != "password"}
    return codec.encoded(replace(target, params=keywords))


def unpacked_way(text: str) -> Target:
    found: Target = codec.decoded(text, registry.TYPES)
    return found
