# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a guard is told when it starts: on its standard input, since there is a password in it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal

# In the directory of a run: how its database is reached, without a password, for finishing it by hand.
CONNECTION = "connection.json"


@dataclass(frozen=True)
class Order:
    """:param job: the name of one of the jobs.
    :param params: the module's parameters.
    :param run_directory: of the run that the job belongs to.
    :param directory: of the job's channel.
    :param lease: seconds that it may go unrenewed.
    :param idle_timeout: seconds that a run may rest between two tasks.
    :param grace: seconds that a worker may take to end when asked.
    :param server_patience: seconds to wait for a server that does not answer before a rollback is given up.
    """

    job: str
    params: Mapping[str, Any]
    run_directory: str
    directory: str
    lease: float = 30.0
    grace: float = 30.0
    server_patience: float = 600.0
    idle_timeout: float = 1200.0

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

    @property
    def backup_root(self) -> str:
        return str(Path(self.run_directory).parent.parent)

    def recovering(self) -> Order:
        """The order to finish or undo what this one's job has left of its run."""
        params = {**self.params, "backup_root": self.backup_root, "run_id": self.journal.run_id}
        return replace(self, job="recover", params=params)

    def packed(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def unpacked(data: bytes) -> Order:
    return Order(**json.loads(data))
