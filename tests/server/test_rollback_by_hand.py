# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rollback by hand acts on the database that was named and on no other, and never claims what it did not do."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import JOURNAL, of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import WRITING, session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import cutover
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import evidence
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import history, recover
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import Decision
from ansible_collections.pgsafe.migration.tests.server.forgery import flip_at
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    SMALL,
    Database,
    events,
    fenced,
    ours,
    proven,
    request,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

HARM = "DELETE FROM orders;"


def test_a_backup_of_another_database_is_refused(
    database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    taken, other = proven(database, backup_root), clone("small")
    database.sql(HARM)
    with pytest.raises(BadRequest, match=f"is of the database {database.name}, not of {other.name}"):
        restore.run(requests.restore(other.target, taken.directory))
    assert ours(database.server, database.name) == set()


def test_the_live_database_is_not_a_new_one(database: Database, backup_root: Path) -> None:
    taken = proven(database, backup_root)
    with pytest.raises(BadRequest, match="never restored over"):
        restore.run(requests.restore(database.target, taken.directory, new_database=database.name))


def test_a_second_rollback_does_not_call_changed_data_restored(database: Database, backup_root: Path) -> None:
    taken = proven(database, backup_root)
    database.sql(HARM)
    rollback = requests.restore(database.target, taken.directory)
    assert restore.run(rollback).state == "rolled_back"
    assert restore.run(rollback).state == "not_needed"
    database.sql(HARM)
    changed = database.fingerprint()
    with pytest.raises(Refused, match=r"was changed since: table public\.orders has 0 rows"):
        restore.run(rollback)
    assert database.fingerprint() == changed


TRANSACTIONAL = {"1.sql": "DELETE FROM orders;\nSELECT 1 / 0;\n"}


@pytest.mark.fault(56)
@pytest.mark.parametrize(
    ("files", "lost"),
    [(TRANSACTIONAL, ()), (GOOD, ()), (GOOD, ("migrated",)), (GOOD, ("opened", "migrated"))],
    ids=["unchanged", "migrated", "accepted and opened", "accepted"],
)
def test_whoever_finishes_a_run_that_has_its_verdict_takes_back_nothing_that_was_written_since(
    database: Database, backup_root: Path, tmp_path: Path, files: dict[str, str], lost: tuple[str, ...]
) -> None:
    """
    :param lost: lines of the journal that a process which died did not come to write.
    """
    taken = fenced(database, backup_root)
    with suppress(migrate.MigrationFailed):
        migrate.run(request(database, taken, write_set(tmp_path / "set", files)))
    path = backup_root / ".runs" / taken.run_id / JOURNAL
    lines = [line for line in path.read_text().splitlines() if json.loads(line)["event"] not in lost]
    path.write_text("\n".join(lines) + "\n")
    database.sql("INSERT INTO customers (name) VALUES ('acknowledged')")
    recover.run(requests.recover(database.target, backup_root, run_id=taken.run_id))
    run = of_run(backup_root, taken.run_id)
    assert run is not None
    assert run.state.verdict == ("migrated" if files is GOOD else "failed_unchanged")
    assert database.sql("SELECT count(*) FROM customers WHERE name = 'acknowledged'") == "1"
    grades = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'grade'"
    assert database.sql(grades) == ("1" if files is GOOD else "0")


def test_whoever_finishes_does_not_try_a_rollback_again_that_failed_and_has_opened_the_database(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root, proof="scratch")
    for name in (manifest.ARCHIVE, manifest.SCRIPT):
        flip_at(taken.directory / name, 0.5)
    with pytest.raises(migrate.MigrationFailed, match="ROLLBACK FAILED"):
        migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    with pytest.raises(Refused, match="others may have written since") as caught:
        recover.run(requests.recover(database.target, backup_root, run_id=taken.run_id))
    assert f"pgsafe.migration.rollback -e pg_migrate_backup_dir={taken.directory}" in caught.value.remedy
    assert database.sql("SELECT count(*) FROM customers WHERE grade = 2") == "30"


def test_an_older_backup_of_a_database_that_was_replaced_touches_nothing(database: Database, backup_root: Path) -> None:
    older, newer = proven(database, backup_root), proven(database, backup_root)
    database.sql(HARM)
    kept = restore.run(requests.restore(database.target, newer.directory)).kept
    with pytest.raises(Refused, match=f"is kept as {kept}"):
        restore.run(requests.restore(database.target, older.directory))
    assert database.admin(f"SELECT datallowconn FROM pg_database WHERE datname = '{kept}'") == "f"
    found = preflight.run(requests.preflight(database.target, backup_root))
    assert found.facts.unfinished_runs == ()


def test_a_run_that_a_person_has_resolved_stands_in_no_later_one_s_way(database: Database, backup_root: Path) -> None:
    taken = proven(database, backup_root)
    run_journal = of_run(backup_root, taken.run_id)
    assert run_journal is not None
    run_journal.append(Event.ARMED)
    database.admin(f"DROP DATABASE {database.name}")
    database.admin(f"CREATE DATABASE {database.name} TEMPLATE small")
    unfinished = requests.preflight(database.target, backup_root)
    (problem,) = preflight.run(unfinished).errors
    assert (problem.check, str(taken.directory) in problem.what) == ("unfinished_run", True)
    rollback = requests.restore(database.target, taken.directory)
    with pytest.raises(Refused, match="mark_resolved"):
        restore.run(rollback)
    resolved = requests.recover(database.target, backup_root, run_id=taken.run_id, reason="by other means")
    recover.run(replace(resolved, decision=Decision.MARK_RESOLVED))
    assert events(taken.directory)[-1] == "resolved"
    assert preflight.run(unfinished).facts.unfinished_runs == ()


def test_a_rollback_of_the_playbook_says_what_it_did(ansible: Ansible, database: Database, backup_root: Path) -> None:
    taken = proven(database, backup_root)
    database.sql(HARM)
    hosts = {"one": database.variables(backup_root)}
    given = ["-e", f"pg_migrate_backup_dir={taken.directory}", "-e", f"pg_migrate_confirm={database.name}"]
    foreseen = ansible.play(hosts, *given, "--check", playbook="pgsafe.migration.rollback")
    assert foreseen.status == 0, foreseen.output
    assert "[✓]" not in foreseen.output
    done = ansible.play(hosts, *given, playbook="pgsafe.migration.rollback")
    assert done.verdict("one") == "rolled back: the database is as it was before"
    again = ansible.play(hosts, *given, playbook="pgsafe.migration.rollback")
    assert again.verdict("one") == "is as the backup holds it"


def migrated(database: Database, backup_root: Path, source: Path) -> backup.Backup:
    taken = fenced(database, backup_root)
    migrate.run(request(database, taken, source))
    return taken


REFUSED_SINCE = "The backup undoes no migration of {}: it was taken after the last one, {} (migrated, began at "
ROLLBACK = "pgsafe.migration.rollback"


@pytest.mark.long
def test_the_backup_before_the_last_migration_is_found_though_a_later_run_was_refused(
    ansible: Ansible, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql("CREATE TABLE t (a integer); CREATE MATERIALIZED VIEW m AS SELECT a FROM t; INSERT INTO t VALUES (1)")
    before = database.fingerprint()
    taken = migrated(database, backup_root, write_set(tmp_path / "set", GOOD))
    later = proven(database, backup_root)
    latest = taken.directory.parent / "latest"
    assert latest.resolve() == later.directory
    said = REFUSED_SINCE.format(database.name, taken.run_id)
    hosts = {"one": database.variables(backup_root)}
    unattended = ["-e", f"pg_migrate_confirm={database.name}"]
    # By the link it is refused, though it differs by now; by its directory, when there is nothing to restore.
    for directory in (later.directory, latest):
        wrong = ansible.play(hosts, *unattended, "-e", f"pg_migrate_backup_dir={directory}", playbook=ROLLBACK)
        assert said in wrong.flat
        assert "To undo that migration: pg_migrate_backup_dir=before_last_migration" in wrong.flat
        assert (wrong.status, wrong.verdict("one")) == (2, "failed")
        database.sql("INSERT INTO customers (name) VALUES ('later')")
    named = ["-e", "pg_migrate_backup_dir=before_last_migration"]
    nobody = ansible.play(hosts, *named, playbook=ROLLBACK)
    assert "It could not be confirmed: There is no terminal to ask on." in nobody.flat
    no = ansible.ask(hosts, "no\r", *named, playbook=ROLLBACK)
    assert f"Undoes the run {taken.run_id} (migrated, began at " in no.flat
    assert "Not given back by a rollback: materialized view public.m: 1 rows instead of 0 rows" in no.flat
    assert "was not confirmed. The answer was not yes. Nothing was changed." in no.flat
    assert database.sql("SELECT count(*) FROM customers WHERE name = 'later'") == "2"
    yes = ansible.ask(hosts, "yes\r", *named, playbook=ROLLBACK)
    excepted = "materialized view public.m: 1 rows instead of 0 rows"
    assert yes.verdict("one") == f"rolled back: the database is as it was before, except: {excepted}"
    assert database.fingerprint() == before
    again = ansible.play(hosts, *unattended, *named, playbook=ROLLBACK)
    assert "or every one was rolled back" in again.flat
    assert again.status != 0


def test_a_rollback_names_every_migration_that_it_undoes(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    first = migrated(database, backup_root, write_set(tmp_path / "set", {"1.sql": "CREATE TABLE one ();"}))
    second = migrated(database, backup_root, write_set(tmp_path / "set", {"2.sql": "CREATE TABLE two ();"}))
    wanted = requests.restore(database.target, first.directory)
    undone = restore.plan(wanted).undone
    assert undone is not None
    assert [(of.run_id, of.verdict, of.files) for of in undone.migrations] == [
        (first.run_id, "migrated", ("1.sql",)),
        (second.run_id, "migrated", ("2.sql",)),
    ]
    assert history.backup_before_last(backup_root, database.target) == second.directory
    restore.run(wanted)
    assert history.migrations(backup_root, database.name) == ()


@pytest.mark.fault(79)
def test_namesakes_on_two_servers_with_one_backup_root_have_each_their_own_history(
    database: Database, running: Callable[[int], pgserver.Server], backup_root: Path, tmp_path: Path
) -> None:
    twin = Database(running(15), database.name)
    twin.admin(f"CREATE DATABASE {twin.name} TEMPLATE template0")
    twin.sql(SMALL)
    source = write_set(tmp_path / "set", {"1.sql": "CREATE TABLE one ();"})
    runs = [(of, migrated(of, backup_root, source)) for of in (database, twin)]
    own, other = (run.directory for _of, run in runs)
    for of, run in runs:
        assert set(evidence.look(backup_root, of.target, ()).fresh) == {run.run_id}
    assert history.backup_before_last(backup_root, database.target) == own
    assert history.backup_before_last(backup_root, twin.target) == other
    wanted = requests.restore(database.target, own)
    undone = restore.plan(wanted).undone
    assert undone is not None
    assert [of.backup_dir for of in undone.migrations] == [str(own)]
    restore.run(wanted)
    # The rollback of one has not undone the migration of the other, which came later.
    assert [of.backup_dir for of in history.migrations(backup_root, twin.name)] == [str(other)]
    twin.admin(f"DROP DATABASE {twin.name} WITH (FORCE)")


def test_a_password_that_a_command_prints_is_kept_nowhere(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    secret = "Sup3r$ecret%x"
    taken = proven(database, backup_root)
    target = database.target
    known = replace(target, params={**target.params, "password": secret})
    source = write_set(tmp_path / "set", {"unused.sql": "SELECT 1;"})
    command = ("/bin/sh", "-c", 'echo "$DATABASE_URL $PGPASSWORD"; echo "$DATABASE_URL $PGPASSWORD" >&2; exit 1')
    wanted = replace(request(database, taken, source), source=SetSource(command=command), database_url=True)
    with pytest.raises(migrate.MigrationFailed) as failed:
        migrate.run(replace(wanted, target=known))
    written = "".join(path.read_text() for path in (backup_root / ".runs" / taken.run_id).iterdir() if path.is_file())
    for text in (str(failed.value), written):
        assert "********" in text
        assert secret not in text
        assert "Sup3r%24ecret%25x" not in text


def test_a_superuser_s_session_stops_a_role_that_cannot_end_it(database: Database, backup_root: Path) -> None:
    database.admin("CREATE ROLE weak LOGIN CREATEDB IN ROLE pg_signal_backend")
    try:
        database.admin(f"ALTER DATABASE {database.name} OWNER TO weak")
        weak = replace(database.target, params={**database.target.params, "user": "weak"})
        with database.connect("monitoring") as held:
            found = preflight.run(requests.preflight(weak, backup_root))
            assert [problem.check for problem in found.errors] == ["privileges", "table_privileges"]
            with session(weak.maintenance, WRITING) as server, pytest.raises(Refused, match="cannot be ended"):
                cutover.end_sessions(server, database.name)
        held.close()
    finally:
        database.admin(f"ALTER DATABASE {database.name} OWNER TO postgres")
        database.admin("DROP ROLE weak")
