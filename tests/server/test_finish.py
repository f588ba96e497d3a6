# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that lost its processes is finished in one way, whatever finishes it: what it started is ended first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import ENDS
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import Decision
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    events,
    fenced,
    ours,
    python,
    require_open,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

# A command that waits in a session of its own, and writes when it is allowed to.
_LATE = """
echo $$ > {home}/pid
while [ ! -e {home}/go ]; do sleep 0.05; done
{psql} -X -c 'CREATE TABLE late ()' > {home}/said 2>&1
"""

_MIGRATE = """
import sys
from pathlib import Path
import pgserver
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.tests.server.support import Database
home, name, script, directory, run_id = sys.argv[1:]
database = Database(pgserver.Server.at(Path(home)), name)
source = SetSource(command=("setsid", "sh", script))
migrate.run(requests.migrate(database.target, source, Path(directory), run_id, name))
"""


@contextmanager
def orphaned(database: Database, taken: backup.Backup, home: Path) -> Iterator[int]:
    """The command of a migration whose process was killed."""
    script = home / "late.sh"
    script.write_text(_LATE.format(home=home, psql=database.server.bin_dir / "psql"))
    given = (str(database.server.home), database.name, str(script), str(taken.directory), taken.run_id)
    with python(_MIGRATE, home, *given) as process:
        until(lambda: (home / "pid").exists() and (home / "pid").read_text().endswith("\n"), "the command is at work")
        process.kill()
        process.wait()
        yield int((home / "pid").read_text())


def _by_hand(database: Database, taken: backup.Backup) -> None:
    restore.run(requests.restore(database.target, taken.directory))


def _resolve(database: Database, taken: backup.Backup) -> None:
    root, resolved = taken.directory.parent.parent, Decision.MARK_RESOLVED
    asked = requests.recover(database.target, root, run_id=taken.run_id, decision=resolved, reason="by hand")
    recover.run(asked)


def _recover(database: Database, taken: backup.Backup) -> None:
    recover.run(requests.recover(database.target, taken.directory.parent.parent, run_id=taken.run_id))


@pytest.mark.parametrize(
    ("finish", "kind"),
    [(_by_hand, fence.NONE), (_resolve, fence.BOTH), (_recover, fence.NONE)],
    ids=["by hand", "marked as resolved", "recover"],
)
def test_a_command_that_outlives_its_run_writes_nothing_after_the_run_was_finished(
    database: Database,
    backup_root: Path,
    tmp_path: Path,
    finish: Callable[[Database, backup.Backup], None],
    kind: str,
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root, kind)
    with orphaned(database, taken, tmp_path) as command:
        finish(database, taken)
        (tmp_path / "go").touch()
        until(lambda: not _lives(command), "the command has ended")
    assert database.fingerprint() == before
    require_open(database)
    assert ours(database.server, database.name) == set()
    assert events(taken.directory)[-1] in ENDS


def _lives(pid: int) -> bool:
    """A process that its parent has not taken note of yet is over, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
