# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A play that is interrupted in the middle of a migration: by Ctrl+C, a closed terminal, or a kill of any of it.

The lease is an hour, so that whatever rolls back is not its lapse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.tests.server.plays import CALLBACK, QUESTION, UNPROBED, Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    SLEEPING,
    Database,
    backends,
    kill,
    ours,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.terminals import CTRL_C, Terminal, family, terminal
from ansible_collections.pgsafe.migration.tests.server.test_backup_faults import STOP_PG_DUMP, STOPPED

import controllers

SLOW = {
    "1.sql": "ALTER TABLE customers ADD grade int;\n",
    "2.sql": "-- pgsafe: no-transaction\nUPDATE customers SET grade = 1;\nSELECT pg_sleep(600);\n",
}
AN_HOUR = 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "backups"
    found.mkdir(mode=0o700)
    return found


@contextmanager
def migrating(
    ansible: Ansible, database: Database, root: Path, playbook: str = "pgsafe.migration.migrate", lease: int = AN_HOUR
) -> Iterator[Terminal]:
    """A play that is in the middle of its second file."""
    variables = database.variables(root, write_set(ansible.home / "set", SLOW))
    inventory = ansible.inventory({"one": {**variables, "pg_migrate_guard": {"lease": lease}}})
    argv = ["ansible-playbook", playbook, "-i", inventory, "-e", f"pg_migrate_confirm={database.name}"]
    with terminal(ansible, argv) as play:

        def sleeps() -> bool:
            assert not play.ended(), play.said
            return database.admin(SLEEPING.format(database.name)) == "1"

        until(sleeps, "the second file runs")
        yield play


# In every copy of the database the restore of this index takes for ever.
SLOW_RESTORE = """
CREATE FUNCTION patient(value bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN IF pg_catalog.current_database() ~ '__' THEN PERFORM pg_catalog.pg_sleep(600); END IF; RETURN value; END $$;
CREATE INDEX patient ON customers (public.patient(id));
"""


@contextmanager
def preparing(ansible: Ansible, database: Database, root: Path, phase: str, lease: int = AN_HOUR) -> Iterator[Terminal]:
    """A play in the middle of its backup, or of the proof of it."""
    if phase == "proof":
        database.sql(SLOW_RESTORE)
    variables = database.variables(root, write_set(ansible.home / "set", SLOW))
    variables = {**variables, "pg_migrate_guard": {"lease": lease}, "pg_migrate_confirm": database.name}
    argv = ["ansible-playbook", ansible.role_alone(**UNPROBED), "-i", ansible.inventory({"one": variables})]
    # From another database, whose sessions the fence does not end: what is locked is the whole server's.
    in_the_way = [STOP_PG_DUMP] if phase == "backup" else ["SELECT 1"]
    with database.called("postgres").holding(*in_the_way), terminal(ansible, argv, CALLBACK) as play:

        def waits() -> bool:
            assert not play.ended(), play.said
            waiting = STOPPED if phase == "backup" else RESTORING.format(database.name)
            return database.admin(waiting) == "1"

        until(waits, f"the {phase} is in the middle")
        yield play


RESTORING = """
SELECT count(*) FROM pg_stat_activity WHERE datname ^@ '{}__ready_' AND wait_event = 'PgSleep' AND query ~ 'patient'
"""


def last_event(root: Path) -> str:
    return journal.all_runs(root)[-1].entries()[-1].event


def require_whole(database: Database, before: object, root: Path) -> None:
    """The guard has ended, and the database is as it was, open, with nobody of ours in it."""
    until(lambda: last_event(root) in ("rolled_back", "failed_unchanged"), "the guard has rolled back")
    until(lambda: not backends(database.server), "everybody of ours has gone")
    assert database.fingerprint() == before
    assert all("__failed_" in name for name in ours(database.server, database.name))


@pytest.mark.fault(61)
def test_after_ctrl_c_the_rollback_is_shown_in_the_same_console(
    ansible: Ansible, database: Database, root: Path
) -> None:
    before = database.fingerprint()
    with migrating(ansible, database, root) as play:
        play.type(CTRL_C)
        assert play.wait() == 2, play.said
    assert "The migration was interrupted. Ctrl+C at the controller." in play.flat
    assert "[✓] Database restored from backup" in play.said
    assert "one rolled back: the database is as it was before" in play.flat
    require_whole(database, before, root)
    (log,) = (ansible.home / "pgsafe" / "one").iterdir()
    shown, target = log.read_text().split("---- On the target ----\n")
    assert "VERDICT  rolled back: the database is as it was before" in shown
    assert "GUARD     Aborted: Ctrl+C at the controller." in target
    assert "VERDICT   ROLLED BACK by verified_copy" in target


def ctrl_c_three_times(play: Terminal) -> None:
    for _time in range(3):
        play.press_ctrl_c()


# test_play_matrix.py has the other ends of a controller.
@pytest.mark.fault(62)
def test_a_controller_that_is_broken_off_by_ctrl_c_three_times_leaves_the_rollback_to_the_guard(
    ansible: Ansible, database: Database, root: Path
) -> None:
    before = database.fingerprint()
    with migrating(ansible, database, root, "pgsafe.migration.migrate") as play:
        ctrl_c_three_times(play)
        assert play.wait() == 99
        require_whole(database, before, root)


@pytest.mark.fault(62)
def test_when_all_of_the_controller_is_gone_the_lease_lapses(ansible: Ansible, database: Database, root: Path) -> None:
    before = database.fingerprint()
    with migrating(ansible, database, root, lease=3) as play:
        kill(family(play.pid))
        play.wait()
        require_whole(database, before, root)
    run = journal.all_runs(root)[-1]
    kept = ansible.home / "pgsafe" / "one" / f"migration_{run.run_id}.log"
    assert "ROLLED BACK" not in kept.read_text()
    ansible.play({"one": database.variables(root, ansible.home / "set")}, playbook="pgsafe.migration.status")
    shown, target = kept.read_text().split("---- On the target ----\n")
    assert "Phase 1: PRE-MIGRATION  [✓]" in shown
    assert "GUARD     Aborted: No controller renewed the lease for 3 s" in target
    assert "VERDICT   ROLLED BACK by verified_copy" in target
    told = [entry.facts["reason"] for entry in journal.all_runs(root)[-1].entries() if entry.event == "aborting"]
    assert told == ["No controller renewed the lease for 3 s: the controller or the network is gone."]


def require_nothing(database: Database, before: object, root: Path) -> None:
    """Nothing of a run that had not begun to migrate: no fence, no copy, no session, no half backup."""
    until(lambda: last_event(root) in ("opened", "verified_copy_dropped"), "the run was given up")
    until(lambda: not backends(database.server), "everybody of ours has gone")
    assert (database.fingerprint(), ours(database.server, database.name)) == (before, set())
    database.sql("CREATE TABLE writable (); DROP TABLE writable")
    assert [path for path in root.glob("*/migration_*") if not (path / "manifest.json").exists()] == []


@pytest.mark.long
@pytest.mark.fault(61)
def test_ctrl_c_before_the_migration_leaves_nothing(ansible: Ansible, database: Database, root: Path) -> None:
    with preparing(ansible, database, root, "proof") as play:
        before = database.fingerprint()
        play.type(CTRL_C)
        assert play.wait() == 2, play.said
    assert "Ctrl+C at the controller." in play.flat
    assert "one refused: nothing was changed" in play.flat
    require_nothing(database, before, root)


@pytest.mark.long
@pytest.mark.fault(62)
def test_a_controller_that_is_gone_before_the_migration_leaves_nothing(
    ansible: Ansible, database: Database, root: Path
) -> None:
    with preparing(ansible, database, root, "backup", lease=3) as play:
        before = database.fingerprint()
        kill(family(play.pid))
        play.wait()
        require_nothing(database, before, root)


# Two tasks of the role by their names, behind which the callback takes Ctrl+C while a person is asked.
ASKING = [
    {"name": "pgsafe.migration.pg_migrate : Fence | Begin", "ansible.builtin.debug": {"msg": "fenced"}},
    {
        "name": "pgsafe.migration.pg_migrate : Confirm | Ask a person",
        "pgsafe.migration.pg_confirm": {
            "databases": [
                {"host": "one", "database": "app", "backup_dir": "/backups/1", "bytes": 1, "restore_seconds": 0.0}
            ]
        },
        "register": "answer",
    },
    {"name": "Answer", "ansible.builtin.debug": {"msg": "no answer: {{ answer.reason }}"}},
]


@pytest.mark.parametrize("core", sorted(controllers.found()))
@pytest.mark.parametrize("behind", ["Ask a person", QUESTION], ids=["before the question", "at the question"])
def test_a_ctrl_c_at_the_moment_the_question_appears_is_not_lost(ansible: Ansible, core: str, behind: str) -> None:
    asking = replace(ansible, programs=controllers.found()[core])
    playbook = asking.playbook([{"hosts": "all", "gather_facts": False, "tasks": ASKING}])
    argv = ["ansible-playbook", playbook, "-i", asking.inventory({"one": {}})]
    with terminal(asking, argv, CALLBACK) as play:
        until(lambda: play.ended() or behind in play.flat, "the question appears")
        play.type(CTRL_C)
        play.wait()
    unanswered = r"no answer: (The question was interrupted|Ctrl\+C at the controller|The run was)"
    assert re.search(unanswered, play.flat), play.said
