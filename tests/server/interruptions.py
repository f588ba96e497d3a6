# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which phase a play is, what happens to it there, and what has to be so when all of it is over."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.entry import Entry
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import recover
from ansible_collections.pgsafe.migration.tests.server.guarding import EVERY
from ansible_collections.pgsafe.migration.tests.server.plays import CALLBACK, UNPROBED, Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    SLEEPING,
    Database,
    backends,
    command_lines,
    guards_of,
    kill,
    ours,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.terminals import CTRL_C, Terminal, family, terminal
from ansible_collections.pgsafe.migration.tests.server.test_backup_faults import STOP_PG_DUMP, STOPPED
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

SLOW = {
    "1.sql": "ALTER TABLE customers ADD grade int;\n",
    "2.sql": "-- pgsafe: no-transaction\nUPDATE customers SET grade = 1;\nSELECT pg_sleep(600);\n",
}

# The restore of this index takes as long as there is a file of that name in the directory of the server's data.
BRAKE = """
CREATE FUNCTION braked(value bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  WHILE pg_catalog.current_database() ~ '__{0}_' AND (pg_catalog.pg_stat_file('brake', true)).size IS NOT NULL LOOP
    PERFORM pg_catalog.pg_sleep(0.05);
  END LOOP;
  RETURN value;
END $$;
CREATE INDEX braked ON customers (public.braked(id));
"""
BRAKED = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname ^@ '{{0}}__{0}_' AND query ~ 'CREATE INDEX braked'"
PROBED = """
SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name ^@ 'pgsafe probe' AND wait_event_type = 'Lock'
"""
AUDITED = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '{0}' AND wait_event = 'PgSleep'"
VERIFIED = """
SELECT count(*) > 0 FROM pg_stat_activity
 WHERE datname ^@ '{0}' AND application_name ^@ 'pgsafe' AND wait_event = 'PgSleep' AND query ~ '^FETCH'
"""
SWAPPED = """
SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name ^@ 'pgsafe cut-over' AND wait_event_type = 'Lock'
"""
# Between its two renames the cut-over gives the database that leaves another comment.
COMMENT_LOCK = """
SELECT FROM pg_shdescription
 WHERE objoid = (SELECT oid FROM pg_database WHERE datname ^@ '{0}__pgsafe_') FOR UPDATE
"""


@dataclass(frozen=True)
class Phase:
    """Where a play stands when something happens to it.

    :param reached: asks the maintenance database whether it stands there; empty for the question to a person.
    :param files: the migration set.
    :param tasks: SQL of tasks of somebody's own, instead of a set.
    :param variables: the role's, besides those of every play.
    :param setup: SQL, run in the database before.
    :param lock: SQL of somebody else's transaction, which lasts until the phase is left.
    :param late_lock: the same, from the moment on at which the brake holds the restore.
    :param braked: whether the brake is on from the beginning.
    :param probe: whether preflight makes and drops a database; that would wait for the locks, too.
    """

    reached: str
    files: Mapping[str, str] = field(default_factory=lambda: SLOW)
    tasks: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    setup: str = ""
    lock: str = ""
    late_lock: str = ""
    braked: bool = False
    probe: bool = True


CHANGE = "ALTER TABLE customers ADD grade int"

BY_ARCHIVE = {"pg_migrate_proof": "scratch"}
ASLEEP = [{"name": "slow", "sql": "SELECT 1 FROM pg_sleep(600)"}]
SLOW_ASSERTION = [{"name": "slow", "sql": "SELECT 'asserted' FROM pg_sleep(600)", "expected": "asserted"}]
PHASES = {
    "preflight": Phase(PROBED, lock=STOP_PG_DUMP),
    "audit": Phase(AUDITED, variables={"pg_migrate_audit": {"rules": ASLEEP}}),
    "backup": Phase(STOPPED, lock=STOP_PG_DUMP, probe=False),
    "proof": Phase(BRAKED.format("ready"), setup=BRAKE.format("ready"), braked=True),
    "confirm": Phase(""),
    "migrate": Phase(SLEEPING),
    "own task": Phase(SLEEPING, tasks=(CHANGE, "SELECT pg_sleep(600)")),
    "post-verify": Phase(VERIFIED, files=GOOD, variables={"pg_migrate_verification": {"assertions": SLOW_ASSERTION}}),
    "rollback": Phase(
        BRAKED.format("restored"),
        files=BROKEN,
        variables=BY_ARCHIVE,
        setup=BRAKE.format("restored"),
        braked=True,
        probe=False,
    ),
    "swap": Phase(
        SWAPPED,
        files=BROKEN,
        variables=BY_ARCHIVE,
        setup=BRAKE.format("restored"),
        late_lock=COMMENT_LOCK,
        braked=True,
        probe=False,
    ),
}

# A migration that lasts as long as the brake is on, and is well then.
BRAKED_SET = {
    "1.sql": """
        DO $$ BEGIN
          WHILE (pg_stat_file('brake', true)).size IS NOT NULL LOOP PERFORM pg_sleep(0.05); END LOOP;
        END $$;
        ALTER TABLE customers ADD grade int;
        """
}
UNDER_BRAKE = Phase(SLEEPING, files=BRAKED_SET, braked=True)


@dataclass(frozen=True)
class Playing:
    """A play that stands in a phase.

    :param before: the fingerprint of its database before the play.
    :param let_go: has what holds the play in its phase go on.
    """

    ansible: Ansible
    database: Database
    root: Path
    terminal: Terminal
    before: Fingerprint
    let_go: Callable[[], None] = lambda: None

    def runs(self) -> list[journal.Journal]:
        return journal.all_runs(self.root)

    def told(self, *events: str) -> Entry | None:
        """The newest entry of one of the events in the newest run."""
        entries = self.runs()[-1].entries() if self.runs() else []
        return next((entry for entry in reversed(entries) if entry.event in events), None)

    def processes(self, role: str) -> list[int]:
        """Those of the run on the target: its ``guard``, the ``parent`` of the guard, its ``work``."""
        return guards_of(self.root, role)

    def modules(self) -> list[int]:
        """The processes of the modules that Ansible runs just now, and of what they have started."""
        lines = command_lines()
        shipped = [pid for pid, words in lines.items() if str(self.ansible.home / "remote") in " ".join(words)]
        behind = family(self.ansible.logins) if self.ansible.logins else []
        inside = [pid for pid in behind if "sshd" not in lines.get(pid, ["sshd"])[0]]
        controllers = family(self.terminal.pid) if self.ansible.logins else [self.terminal.pid]
        return [pid for pid in {*shipped, *inside} if pid not in controllers]

    def lease_renewers(self) -> list[int]:
        """What renews the lease of the run: the only process of the play whose parent has ended."""
        inventory, known = str(self.ansible.home / "hosts.json"), family(self.terminal.pid)
        return [pid for pid, words in command_lines().items() if inventory in words and pid not in known]

    def children(self, program: str) -> list[int]:
        """Programs that the worker has started."""
        lines = command_lines()
        started = [pid for worker in self.processes("work") for pid in family(worker)]
        return [pid for pid in started if Path(lines.get(pid, [""])[0]).name == program]


Event = Callable[[Playing], None]


def press(play: Playing) -> None:
    with contextlib.suppress(OSError):
        play.terminal.type(CTRL_C)


def heard(play: Playing) -> bool:
    return play.terminal.ended() or play.told("aborting") is not None


def ctrl_c(play: Playing) -> None:
    press(play)


def ctrl_c_twice(play: Playing) -> None:
    """The second one when the first has reached the guard: two at once are one for the kernel."""
    press(play)
    until(lambda: heard(play) or not play.processes("work"), "the first Ctrl+C is heard")
    press(play)


def ctrl_c_three_times(play: Playing) -> None:
    ctrl_c_twice(play)
    press(play)


def terminate(play: Playing) -> None:
    kill([play.terminal.pid], signal.SIGTERM)


def hang_up(play: Playing) -> None:
    play.terminal.close()


def kill_controller(play: Playing) -> None:
    kill([play.terminal.pid])


def power_off(play: Playing) -> None:
    """All of the controller at once."""
    kill([*family(play.terminal.pid), *play.lease_renewers()])


def kill_guard(play: Playing) -> None:
    kill(play.processes("guard"))


def kill_worker(play: Playing) -> None:
    kill(play.processes("work"))


def kill_guard_and_worker(play: Playing) -> None:
    """The guard first, so that it starts no other worker."""
    kill(play.processes("guard") + play.processes("work"))


def log_out(play: Playing) -> None:
    """As on a host that ends whatever a session has left, when it is over."""
    roles = [pid for role in EVERY for pid in play.processes(role)]
    kill([pid for role in roles for pid in family(role)], signal.SIGTERM)


def kill_module(play: Playing) -> None:
    kill(play.modules())


def kill_ssh(play: Playing) -> None:
    """The clients that wait for an answer, and the one that holds the connection for the next ones."""
    lines = command_lines()
    waiting = [pid for pid in family(play.terminal.pid) if Path(lines.get(pid, [""])[0]).name == "ssh"]
    holding = [pid for pid, words in lines.items() if words[0].startswith(f"ssh: {play.ansible.sockets}/")]
    assert holding
    kill(waiting + holding)


def kill_psql(play: Playing) -> None:
    kill(play.children("psql"))


def kill_restore(play: Playing) -> None:
    kill(play.children("pg_restore"))


def end_sessions(play: Playing) -> None:
    """What an administrator or a proxy may do."""
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name ^@ 'pgsafe'"
    play.database.admin(f"{ended} AND application_name !~ ' run '")


def crash(play: Playing) -> None:
    play.database.server.stop("immediate")
    play.database.server.start()


@contextmanager
def brake(server: pgserver.Server, on: bool) -> Iterator[None]:
    """Hold every restore of the index of :data:`BRAKE`."""
    file = server.data_dir / "brake"
    if on:
        file.touch()
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def own_tasks(ansible: Ansible, database: Database, *statements: str) -> str:
    """A file of tasks that run SQL, one each."""
    path = ansible.home / "tasks.yml"
    psql = [str(database.server.bin_dir / "psql"), "-v", "ON_ERROR_STOP=1", "-d", "{{ pg_migrate_guarded_db }}", "-c"]
    environment = {name: value for name, value in database.server.environment().items() if name.startswith("PG")}
    tasks = [
        {"name": "Alter", "ansible.builtin.command": {"argv": [*psql, sql]}, "environment": environment}
        for sql in statements
    ]
    path.write_text(json.dumps(tasks))
    return str(path)


@contextmanager
def begun(
    ansible: Ansible,
    database: Database,
    root: Path,
    phase: Phase,
    callback: bool,
    variables: Mapping[str, object],
) -> Iterator[Playing]:
    """A play that has just been started."""
    before = database.fingerprint()
    given = database.variables(root, write_set(ansible.home / "set", phase.files))
    if phase.tasks:
        del given["pg_migrate_source"]
        given["pg_migrate_tasks"] = own_tasks(ansible, database, *phase.tasks)
    inventory = ansible.inventory({"one": {**given, **variables}})
    ready_made = callback and phase.probe
    own = ansible.role_alone(**({} if phase.probe else UNPROBED))
    argv = ["ansible-playbook", "pgsafe.migration.migrate" if ready_made else own, "-i", inventory]
    with terminal(ansible, argv, CALLBACK if callback and not ready_made else None) as play:
        playing_now = Playing(ansible, database, root, play, before)
        try:
            yield playing_now
        finally:
            # Nothing is left of a run that a test has given up; one that has ended has none of these.
            for role in EVERY:
                kill(playing_now.processes(role))


@contextmanager
def playing(
    ansible: Ansible, database: Database, root: Path, phase: Phase, callback: bool = True, **variables: object
) -> Iterator[Playing]:
    """A play that stands in a phase, until the test lets go of it."""
    if phase.setup:
        database.sql(phase.setup)
    confirmed = {"pg_migrate_confirm": database.name} if phase.reached else {}
    given = {**confirmed, **phase.variables, **variables}
    # From another database, whose sessions the fence does not end: what is locked is the whole server's.
    others = database.called("postgres")
    with contextlib.ExitStack() as held:
        held.enter_context(others.holding(phase.lock or "SELECT 1"))
        braked = held.enter_context(contextlib.ExitStack())
        braked.enter_context(brake(database.server, phase.braked))
        with begun(ansible, database, root, phase, callback, given) as play:
            if phase.late_lock:
                _reached(play, BRAKED.format("restored"))
                held.enter_context(others.holding(phase.late_lock.format(database.name)))
                braked.close()
            _reached(play, phase.reached)
            yield replace(play, let_go=held.close)


def _reached(play: Playing, question: str) -> None:
    def there() -> bool:
        assert not play.terminal.ended(), play.terminal.said
        if not question:
            return play.terminal.asks()
        return play.database.admin(question.format(play.database.name)) in ("1", "t")

    until(there, "the play stands there")


# What the journal says first of a run that is broken off, in the guard's words, in the worker's, in its successor's.
HEARD = ("aborting", "failed", "giving_up", "rolling_back", "abandoned", "opened")


def seconds_until_heard(play: Playing, event: Event) -> float | None:
    """Let it happen; how long it takes until the journal says so.

    None where no run has a journal yet, and where the play has ended between two tasks, with nobody to say so.
    """
    known = [len(run.entries()) for run in play.runs()]
    started = time.monotonic()
    event(play)
    if not known:
        return None

    def told() -> bool:
        return any(entry.event in HEARD for entry in play.runs()[-1].entries()[known[-1] :])

    until(lambda: told() or rests(play), f"the journal tells of it: {play.terminal.said[-2000:]}")
    return time.monotonic() - started if told() else None


def rests(play: Playing) -> bool:
    return play.terminal.ended() and not play.processes("work")


def settled(play: Playing) -> bool:
    """Whether every run has come to its end, and nobody of the play or of them is there any more."""
    over = not any(run.state.fenced or run.state.unfinished for run in play.runs())
    return over and play.terminal.ended() and not left(play)


def left(play: Playing) -> list[str]:
    """What is left of the play and its runs: processes by their command lines, sessions by their names."""
    lines = command_lines()
    working = [pid for pid, words in lines.items() if str(play.root) in " ".join(words)]
    found = [" ".join(lines.get(pid, [])) for pid in {*working, *play.modules(), *play.lease_renewers()}]
    return found + backends(play.database.server)


def recovered(play: Playing) -> bool:
    """Wait until nobody works on it any more, and recover what is left of it, once; whether that was needed."""
    until(lambda: _quiet(play), "it is quiet")
    needed = any(run.state.fenced or run.state.unfinished for run in play.runs())
    until(lambda: _recovered(play), "it is recovered")
    until(lambda: settled(play), f"it has settled: {left(play)}")
    return needed


def _quiet(play: Playing) -> bool:
    """No module and no worker is there, once the play is over.

    A module whose source ends in its middle, as Ansible was killed while sending it, is a syntax error that quotes
    all of it. Python writes that to a connection that nobody reads, for ever.
    """
    kill([pid for pid in play.modules() if _waits_for_a_reader(pid)])
    return not play.modules() and not play.processes("work")


def _waits_for_a_reader(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "pipe_write" in Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")
    return False


def _recovered(play: Playing) -> bool:
    """As a person has it recovered who names the run; refused while its watchdog does the same."""
    runs = [run.run_id for run in play.runs() if run.state.fenced or run.state.unfinished]
    with contextlib.suppress(Refused):
        recover.run(requests.recover(play.database.target, play.root, run_id="".join(runs[-1:])))
        return True
    return False


def require_whole(play: Playing) -> None:
    """As it was, open, and nothing beside it but what a rollback has replaced."""
    database = play.database
    until(lambda: settled(play), f"it has settled: {[run.entries()[-1].event for run in play.runs()]}")
    assert database.fingerprint() == play.before
    require_open(database)
    assert all("__failed_" in name for name in ours(database.server, database.name))
    assert [path for path in play.root.glob("*/migration_*") if not (path / "manifest.json").exists()] == []
