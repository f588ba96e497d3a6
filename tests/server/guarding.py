# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration that a guard does, as its module starts it, without an Ansible that would stay with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import supervision
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import launch
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.channel import Channel
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_migration_apply
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.tests.server.support import Database, guards_of, kill, until
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import parameters

AN_HOUR = 3600.0

# The parent of the guard first, so that it starts no other guard; the guard next, so that it starts no other worker.
EVERY = ("parent", "guard", "work")


@dataclass(frozen=True)
class Guarded:
    """A job that a guard does."""

    directory: Path

    @property
    def channel(self) -> Channel:
        return Channel(self.directory)

    @property
    def journal(self) -> journal.Journal:
        return journal.Journal(self.directory.parent)

    @property
    def script(self) -> Path:
        return next(self.directory.parent.glob("guard_*.pyz"))

    def events(self) -> list[str]:
        return [entry.event for entry in self.journal.entries()]

    def processes(self, role: str) -> list[int]:
        """Those of this run that are its ``guard``, the ``parent`` of the guard, or its ``work``."""
        return guards_of(self.directory.parent, role)

    def kill(self, *roles: str) -> None:
        """All at once, in this order; and until they are gone, with the locks that they held."""
        killed = [pid for role in roles for pid in self.processes(role)]
        kill(killed)
        until(lambda: not any(set(killed) & set(self.processes(role)) for role in roles), "the killed have gone")

    def over(self) -> Mapping[str, Any]:
        """What the job has come to, once the run has no process any more."""
        until(lambda: not any(self.processes(role) for role in EVERY), "the guard ends")
        result = self.channel.result()
        assert result is not None, (self.events(), (self.directory / "log").read_text())
        return result


@contextmanager
def guarded(database: Database, taken: backup.Backup, lease: float = AN_HOUR, **options: object) -> Iterator[Guarded]:
    """The guard of a migration; killed at the end if the test left it."""
    target = database.target
    found = parameters(
        pg_migration_apply,
        login_db=target.dbname,
        connect_params=dict(target.params),
        bin_dir=target.bin_dir,
        backup_dir=str(taken.directory),
        run_id=taken.run_id,
        confirmed_database=database.name,
        remote_src=True,
        lease=lease,
        **options,
    )
    run = journal.of_run(taken.directory.parent.parent, taken.run_id)
    assert run is not None
    order = pg_migration_apply.request(found)
    job = Guarded(Path(launch.start("migrate", order, supervision(found), run)["directory"]))
    try:
        yield job
    finally:
        job.kill(*EVERY)
