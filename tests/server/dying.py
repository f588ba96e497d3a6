# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run in a process of its own that kills itself, as SIGKILL would, behind one of the steps that change something."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.support import Database, python

# A step is a line of the journal, a program that was run, or a statement that changes something. They are counted from
# a first line of the journal on, and printed.
_RUN = """
import os, signal, sys
from pathlib import Path
import pgserver
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import log_evidence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.tests.server.support import Database, fenced

# Small databases are compared by their changed blocks too.
log_evidence.SMALLEST_BYTES = 0
home, name, root, source, kind, proof, first, last = sys.argv[1:]
database = Database(pgserver.Server.at(Path(home)), name)
CHANGES = ("ALTER", "COMMENT", "COMMIT", "CREATE", "DROP", "GRANT", "REVOKE", "ANALYZE", "CREATE_REPLICATION_SLOT")
counting, left = False, int(last)

def step(what):
    global left
    if counting:
        print(what, flush=True)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def rows(self, query, parameters=None, original=Session.rows):
    found = original(self, query, parameters)
    words = (query if isinstance(query, str) else query.as_string(self._connection)).split()
    if words[0] in CHANGES or "_replication_slot(" in "".join(words[1:2]):
        step(" ".join(words)[:70])
    return found

def append(self, event, original=Journal.append, **facts):
    global counting
    original(self, event, **facts)
    counting = counting or event == first
    step("journal: " + event)

def run(command, *rest, original=commands.run):
    done = original(command, *rest)
    step("program: " + command.program)
    return done

Session.rows, Journal.append, commands.run = rows, append, run
# As with a watchdog: a read-only fence keeps the log from then on.
taken = fenced(database, Path(root), kind, proof, idle_timeout=600.0)
try:
    migrate.run(requests.migrate(database.target, SetSource(Path(source)), taken.directory, taken.run_id, name))
except migrate.MigrationFailed:
    pass
"""


def steps(
    database: Database, backup_root: Path, source: Path, options: Sequence[str], first: str, last: int = 0
) -> list[str]:
    """The steps of a run from the journal's line ``first`` on; with ``last``, it dies behind that many of them.

    :param options: the kind of fence, and what becomes of the copy of the proof.
    """
    given = (str(database.server.home), database.name, str(backup_root), str(source), *options, first, str(last))
    with python(_RUN, source, *given) as process:
        said, _nothing = process.communicate()
    assert process.returncode == (-signal.SIGKILL if last else 0), said
    return said.splitlines()
