# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rollback and restore on a server: from damaged backups, against sessions that come back, after a killed process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import SetSource
from ansible_collections.pgsafe.migration.plugins.module_utils.model import DatabaseProperties
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import properties
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import rollback
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    SLEEPING,
    Database,
    back_up,
    backends,
    events,
    fenced,
    migrating,
    ours,
    proven,
    quoted,
    request,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

HARM = "DELETE FROM orders; DROP VIEW best_customers;"


def roll_back(database: Database, taken: backup.Backup) -> rollback.Restored:
    return restore.run(requests.restore(database.target, taken.directory))


def damage(path: Path) -> None:
    """One bit flipped in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def properties_of(database: Database) -> DatabaseProperties:
    with session(database.target.maintenance) as server:
        return properties.read(server, database.name)


@pytest.mark.every_major
def test_a_rollback_restores_the_content_and_is_done_once(database: Database, backup_root: Path) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    database.sql(HARM)
    first = roll_back(database, taken)
    assert (first.state, first.method) == ("rolled_back", "archive")
    assert database.fingerprint() == before
    second = roll_back(database, taken)
    assert (second.state, second.kept) == ("not_needed", first.kept)
    assert ours(database.server, database.name) == {first.kept}


def test_a_rollback_of_an_untouched_database_restores_nothing(database: Database, backup_root: Path) -> None:
    taken = proven(database, backup_root)
    assert roll_back(database, taken).state == "not_needed"
    assert ours(database.server, database.name) == set()


@pytest.mark.every_major
def test_a_rollback_carries_everything_over_that_belongs_to_the_database(database: Database, backup_root: Path) -> None:
    name = database.name
    database.admin(
        'DO $$ BEGIN CREATE ROLE "Its Owner"; EXCEPTION WHEN duplicate_object THEN NULL; END $$;'
        f"""
        ALTER DATABASE {name} OWNER TO "Its Owner";
        REVOKE CONNECT ON DATABASE {name} FROM PUBLIC;
        GRANT CONNECT, TEMPORARY ON DATABASE {name} TO "Its Owner" WITH GRANT OPTION;
        GRANT CREATE ON DATABASE {name} TO pg_monitor WITH GRANT OPTION;
        ALTER DATABASE {name} SET search_path = "$user", public, "Odd Schema";
        ALTER DATABASE {name} SET work_mem = '5MB';
        ALTER DATABASE {name} SET my.setting = 'it''s "x"';
        ALTER ROLE "Its Owner" IN DATABASE {name} SET statement_timeout = '9s';
        ALTER DATABASE {name} CONNECTION LIMIT 17 IS_TEMPLATE true;
        COMMENT ON DATABASE {name} IS 'it''s ours';
        """
    )
    before = properties_of(database)
    taken = proven(database, backup_root)
    database.sql(HARM)
    done = roll_back(database, taken)
    now = properties_of(database)
    database.admin(f"ALTER DATABASE {name} IS_TEMPLATE false")
    assert (done.state, now) == ("rolled_back", before)
    assert not properties_of(database.called(done.kept)).template


def test_a_rollback_keeps_encoding_and_locale(database: Database, backup_root: Path) -> None:
    database.admin(f"DROP DATABASE {database.name}")
    database.admin(f"CREATE DATABASE {database.name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    database.sql("SET client_encoding = 'UTF8'; CREATE TABLE t AS SELECT chr(228) AS \"ä\"")
    before, taken = properties_of(database), proven(database, backup_root)
    content = database.fingerprint()
    database.sql("DELETE FROM t")
    roll_back(database, taken)
    assert properties_of(database) == before
    assert database.fingerprint() == content


@pytest.mark.fault(55)
def test_settings_that_forbid_writing_do_not_stop_a_rollback(database: Database, backup_root: Path) -> None:
    database.admin(
        f"ALTER DATABASE {database.name} SET default_transaction_read_only = on;"
        f"ALTER DATABASE {database.name} SET idle_in_transaction_session_timeout = '20ms'"
    )
    taken = proven(database, backup_root)
    database.sql("SET default_transaction_read_only = off; DELETE FROM orders")
    assert roll_back(database, taken).state == "rolled_back"
    assert database.sql("SELECT count(*) FROM orders") == "500"


@pytest.mark.fault(49)
@pytest.mark.every_major
def test_a_damaged_archive_falls_back_to_the_script(database: Database, backup_root: Path) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    damage(taken.directory / manifest.ARCHIVE)
    database.sql(HARM)
    restored = roll_back(database, taken)
    assert (restored.state, restored.method) == ("rolled_back", "script")
    assert "full_backup.dump is not the file that was written" in restored.failures[0]
    assert database.fingerprint() == before


@pytest.mark.fault(50)
def test_two_damaged_formats_leave_the_live_database_open_and_alone(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = proven(database, backup_root)
    damage(taken.directory / manifest.ARCHIVE)
    damage(taken.directory / manifest.SCRIPT)
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    said = str(caught.value)
    assert caught.value.outcome.verdict == "rollback_failed"
    assert "division by zero" in said
    assert "Neither the archive nor the SQL script could be restored." in said
    command = "ansible-playbook -i INVENTORY -l HOST pgsafe.migration.rollback"
    assert f"{command} -e pg_migrate_backup_dir={taken.directory}" in said
    assert database.sql("SELECT count(*) FROM customers WHERE grade = 2") == "30"
    assert ours(database.server, database.name) == set()
    assert events(taken.directory)[-1] == "rollback_failed"


def test_a_failed_rollback_can_be_done_again(database: Database, backup_root: Path) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    kept = {name: (taken.directory / name).read_bytes() for name in (manifest.ARCHIVE, manifest.SCRIPT)}
    for name in kept:
        damage(taken.directory / name)
    database.sql(HARM)
    with pytest.raises(Refused, match="open and was left as it is"):
        roll_back(database, taken)
    for name, content in kept.items():
        (taken.directory / name).write_bytes(content)
    assert roll_back(database, taken).state == "rolled_back"
    assert database.fingerprint() == before


@contextmanager
def coming_back(database: Database) -> Iterator[list[str]]:
    """Clients that connect again as soon as they are thrown out; what they were told."""
    told: list[str] = []
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            try:
                connection = database.connect()
            except psycopg2.OperationalError as error:
                told.append(str(error))
                continue
            try:
                with connection.cursor() as cursor:
                    while not over.is_set():
                        cursor.execute("SELECT pg_sleep(0.001)")
            except psycopg2.Error as error:
                told.append(str(error))
            finally:
                connection.close()

    clients = [threading.Thread(target=client) for _client in range(4)]
    for thread in clients:
        thread.start()
    try:
        yield told
    finally:
        over.set()
        for thread in clients:
            thread.join()


@pytest.mark.fault(51)
def test_sessions_that_come_back_at_once_do_not_stop_a_rollback(database: Database, backup_root: Path) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    database.sql(HARM)
    with coming_back(database) as told:
        until(lambda: len(backends(database.server, "")) > 4, "the clients are connected")
        restored = roll_back(database, taken)
    assert restored.state == "rolled_back"
    assert any("not currently accepting connections" in text for text in told)
    assert database.fingerprint() == before


@pytest.mark.fault(60)
@pytest.mark.parametrize("statement", ["DROP DATABASE {0} WITH (FORCE)", "ALTER DATABASE {0} RENAME TO {0}__new"])
def test_a_command_that_takes_the_database_away_is_rolled_back(
    database: Database, backup_root: Path, tmp_path: Path, statement: str
) -> None:
    before, taken = database.fingerprint(), proven(database, backup_root)
    psql = str(database.server.bin_dir / "psql")
    source = SetSource(command=(psql, "-X", "-d", "postgres", "-c", statement.format(database.name)))
    wanted = requests.migrate(database.target, source, taken.directory, taken.run_id, database.name)
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(wanted)
    assert caught.value.outcome.verdict == "rolled_back", str(caught.value)
    assert database.fingerprint() == before
    kept = ours(database.server, database.name)
    assert len(kept) == (0 if statement.startswith("DROP") else 1)


@pytest.mark.fault(59)
@pytest.mark.parametrize("name", ["x" * 63, "ä" * 31 + "a", "we\"ird %/'$ =\n;--", "-c", "UPPER"])
def test_a_database_of_any_name_is_backed_up_and_rolled_back(database: Database, backup_root: Path, name: str) -> None:
    database.admin(f"ALTER DATABASE {database.name} RENAME TO {quoted(name)}")
    named = database.called(name)
    taken, before = proven(named, backup_root), named.fingerprint()
    named.sql(HARM)
    restored = roll_back(named, taken)
    assert restored.state == "rolled_back"
    assert len(restored.kept.encode()) <= 63
    assert restored.kept.endswith(f"__failed_{taken.run_id}")
    assert named.fingerprint() == before


def test_a_restore_to_a_new_name_leaves_the_live_database_alone(database: Database, backup_root: Path) -> None:
    taken, before = back_up(database, backup_root), database.fingerprint()
    database.sql(HARM)
    harmed, copy = database.fingerprint(), database.called(f"{database.name}__copy")
    restored = restore.run(requests.restore(database.target, taken.directory, copy.name))
    assert (restored.state, restored.database) == ("restored", copy.name)
    assert copy.fingerprint() == before
    assert database.fingerprint() == harmed


def test_a_restore_to_a_name_that_is_taken_is_refused(
    database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    taken, other = back_up(database, backup_root), clone("small")
    before = other.fingerprint()
    with pytest.raises(Refused, match="exists already"):
        restore.run(requests.restore(database.target, taken.directory, other.name))
    assert other.fingerprint() == before


SLEEP = "DELETE FROM orders;\nSELECT pg_sleep(600);\n"


@contextmanager
def interrupted(database: Database, taken: backup.Backup, source: Path, how: signal.Signals) -> Iterator[None]:
    """A migration that reached its waiting statement, and then got a signal that ended it."""
    with migrating(database, taken, source) as process:
        until(lambda: database.admin(SLEEPING.format(database.name)) == "1", "the migration waits")
        process.send_signal(how)
        process.wait()
        yield


@pytest.mark.parametrize(
    "files",
    [{"1.sql": "ALTER TABLE customers ADD grade int;\n", "2.sql": SLEEP}, {"1.sql": SLEEP}],
    ids=["second file", "first file"],
)
def test_a_killed_migration_is_finished_by_the_next_restore(
    database: Database, backup_root: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    with interrupted(database, taken, write_set(tmp_path / "set", files), signal.SIGKILL):
        assert events(taken.directory)[-1] == "applying"
        assert events(taken.directory).count("applied") == len(files) - 1
        restored = roll_back(database, taken)
    assert restored.state == ("rolled_back" if len(files) == 2 else "not_needed")
    assert database.admin(f"SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '{taken.run_id}'") == "0"
    assert database.fingerprint() == before
    assert events(taken.directory)[-1] == ("rolled_back" if len(files) == 2 else "failed_unchanged")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_migration_that_is_told_to_stop_rolls_back_by_itself(
    database: Database, backup_root: Path, tmp_path: Path, how: signal.Signals
) -> None:
    taken, before = proven(database, backup_root), database.fingerprint()
    files = {"1.sql": "ALTER TABLE customers ADD grade int;\n", "2.sql": SLEEP}
    with interrupted(database, taken, write_set(tmp_path / "set", files), how):
        assert events(taken.directory)[-1] == "rolled_back"
        assert database.fingerprint() == before


PREPARES = "INSERT INTO customers (name) VALUES ('prepared');\nPREPARE TRANSACTION 'left behind';\n"


@pytest.mark.every_major
@pytest.mark.fault(52)
def test_a_prepared_transaction_that_the_migration_left_is_rolled_back_first(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root)
    prepare = f"-- pgsafe: no-transaction\nDELETE FROM orders;\nBEGIN;\n{PREPARES}"
    files = {"1.sql": prepare, "2.sql": "SELECT 1 / 0;\n"}
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", files)))
    assert caught.value.outcome.verdict == "rolled_back", str(caught.value)
    assert database.admin("SELECT count(*) FROM pg_prepared_xacts") == "0"
    assert database.fingerprint() == before


@pytest.mark.fault(57)
def test_a_role_that_the_migration_dropped_is_said_and_does_not_stop_the_rollback(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    role = f"app_{database.name}"
    database.admin(f"CREATE ROLE {role}; GRANT CREATE ON DATABASE {database.name} TO {role}")
    before, taken = database.fingerprint(), fenced(database, backup_root)
    drop = f"ALTER TABLE orders ADD x int;\nDROP OWNED BY {role};\nDROP ROLE {role};\nCOMMIT;\nSELECT 1 / 0;\n"
    files = {"1.sql": f"-- pgsafe: no-transaction\n{drop}"}
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", files)))
    restored = caught.value.outcome.rollback
    assert restored is not None, str(caught.value)
    assert restored.warnings == (
        f"The role {role} is gone, and so are its rights and settings on the database.",
        f"Outside the database, since the backup: role {role} is missing. A rollback does not undo that.",
    )
    assert database.fingerprint() == before


@pytest.mark.fault(51)
def test_a_session_that_the_migration_left_at_work_under_another_name_does_not_write_after_the_look(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root)
    psql = database.server.bin_dir / "psql"
    late = "SELECT pg_sleep(2); DELETE FROM orders"
    script = f"PGAPPNAME=theirs setsid {psql} -X -c '{late}' >/dev/null 2>&1 & sleep 0.5; exit 1"
    source = SetSource(command=("sh", "-c", script))
    wanted = requests.migrate(database.target, source, taken.directory, taken.run_id, database.name)
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(wanted)
    assert caught.value.outcome.verdict == "failed_unchanged"
    assert backends(database.server, "theirs") == []
    assert database.fingerprint() == before


@pytest.mark.every_major
@pytest.mark.parametrize(
    "spoil",
    [
        ["ALTER DATABASE {} ALLOW_CONNECTIONS true"],
        ["DROP DATABASE {}"],
        ["DROP DATABASE {}", "CREATE DATABASE {}"],
    ],
    ids=["opened", "dropped", "another"],
)
def test_a_verified_copy_that_is_not_as_it_was_proven_is_not_swapped_in(
    database: Database, backup_root: Path, tmp_path: Path, spoil: list[str]
) -> None:
    before, taken = database.fingerprint(), fenced(database, backup_root)
    ready = f"{database.name}__ready_{taken.run_id}"
    for statement in spoil:
        database.admin(statement.format(ready))
    with pytest.raises(migrate.MigrationFailed) as caught:
        migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    restored = caught.value.outcome.rollback
    assert restored is not None, str(caught.value)
    assert (restored.method, restored.failures[0][:14]) == ("archive", "verified copy:")
    assert database.fingerprint() == before
