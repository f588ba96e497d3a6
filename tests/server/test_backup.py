# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backup on a server: three formats of one moment that a person can restore by hand."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.backup_support import differences
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    back_up,
    quoted,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver


def by_hand(database: Database, directory: Path, command: str, **variables: str) -> str:
    """What a person gets who runs a command of the manifest inside the backup's directory."""
    path = f"{database.server.bin_dir}:{os.environ['PATH']}"
    env = {**pgserver.clean_environment(), **database.server.environment(), "PATH": path, "PGDATABASE": database.name}
    argv = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(argv, cwd=directory, env={**env, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def instructions(directory: Path, copy: Database) -> dict[str, str]:
    """The commands that manifest.txt gives, by the first word of their line."""
    text = (directory / manifest.MANIFEST_TEXT).read_text().replace("\\\n", " ")
    lines = [line.split(":", 1) for line in text.splitlines() if ":  " in line]
    named = {name.strip().lstrip("012. "): command.strip() for name, command in lines}
    return {name: command.replace("RESTORED_DATABASE", copy.name) for name, command in named.items()}


@pytest.mark.every_major
def test_a_backup_is_private_complete_and_readable_by_ordinary_tools(sample: Database, backup_root: Path) -> None:
    taken = back_up(sample, backup_root)
    directory = taken.directory
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [directory, *directory.iterdir()]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert "FAILED" not in by_hand(sample, directory, "sha256sum -c SHA256SUMS")
    by_hand(sample, directory, "gunzip -t full_backup.sql.gz")
    assert "TABLE DATA public community_members" in by_hand(sample, directory, "pg_restore --list full_backup.dump")
    # The log of the run is no part of the backup, and goes on.
    parts = [path for path in directory.iterdir() if path.suffix != ".log"]
    newest = max(parts, key=lambda path: path.stat().st_mtime_ns)
    assert newest.name == manifest.MANIFEST


@pytest.mark.every_major
@pytest.mark.parametrize("source", ["From the archive", "Or from the script"])
def test_the_printed_commands_restore_the_very_same_database(sample: Database, backup_root: Path, source: str) -> None:
    taken = back_up(sample, backup_root)
    copy = sample.called(f"{sample.name}_copy")
    commands = instructions(taken.directory, copy)
    for step in ("Make the database", source, "Afterwards"):
        by_hand(sample, taken.directory, commands[step])
    assert differences(taken.manifest, copy) == ()


@pytest.mark.every_major
def test_each_csv_loads_back_with_its_own_command(sample: Database, backup_root: Path) -> None:
    taken = back_up(sample, backup_root)
    copy = sample.called(f"{sample.name}_copy")
    by_hand(sample, taken.directory, f"createdb -T template0 {copy.name}")
    for section in ("pre-data", "post-data"):
        if section == "post-data":
            for file in taken.manifest.csv_files:
                by_hand(copy, taken.directory, 'psql -X -v ON_ERROR_STOP=1 <<< "$LOAD"', LOAD=file.load)
        by_hand(copy, taken.directory, f"pg_restore -d {copy.name} --section={section} full_backup.dump")
    assert copy.fingerprint().tables == taken.manifest.fingerprint.tables


def test_the_formats_agree_row_by_row(database: Database, backup_root: Path) -> None:
    taken = back_up(database, backup_root)
    rows = taken.manifest.fingerprint.rows
    assert rows == {'Odd Schema.Odd "T" x': 2, "public.customers": 60, "public.empty_one": 0, "public.orders": 500}
    assert {file.table: file.rows for file in taken.manifest.csv_files} == rows
    for file in taken.manifest.csv_files:
        with (taken.directory / file.name).open(newline="") as stream:
            assert len(list(csv.reader(stream))) - 1 == rows[file.table]


@contextmanager
def writing(database: Database) -> Iterator[None]:
    """A client that moves an amount between two tables, over and over, in one transaction each."""
    over = threading.Event()

    def client() -> None:
        connection = database.connect()
        with connection.cursor() as cursor:
            while not over.is_set():
                cursor.execute("UPDATE one SET n = n - 1; UPDATE two SET n = n + 1; INSERT INTO log DEFAULT VALUES")
                connection.commit()
        connection.close()

    database.sql("CREATE TABLE one AS SELECT 0 AS n; CREATE TABLE two AS SELECT 0 AS n; CREATE TABLE log (i serial)")
    thread = threading.Thread(target=client)
    thread.start()
    try:
        until(lambda: database.sql("SELECT n > 50 FROM two") == "t", "the writer writes")
        yield
    finally:
        over.set()
        thread.join()


def test_writers_meanwhile_are_in_every_format_or_in_none(database: Database, backup_root: Path) -> None:
    with writing(database):
        taken = back_up(database, backup_root)
    moved = int((taken.directory / "two.csv").read_text().split()[1])
    assert int((taken.directory / "one.csv").read_text().split()[1]) == -moved
    assert taken.manifest.fingerprint.rows["public.log"] == moved
    verdict = verify.run(requests.verify(database.target, taken.directory))
    assert verdict.findings == ()


@pytest.mark.fault(14)
def test_an_empty_database_is_backed_up_and_restores(database: Database, backup_root: Path) -> None:
    database.admin(f"DROP DATABASE {database.name}")
    database.admin(f"CREATE DATABASE {database.name} TEMPLATE template0")
    taken = back_up(database, backup_root)
    assert taken.manifest.csv_files == ()
    assert verify.run(requests.verify(database.target, taken.directory)).findings == ()


ODD = ['"', "a/b", "../up", "new\nline", "per%cent %s", "-dash", "ä→ß", "x" * 63, "UPPER", "upper", "a=b", "it's", " "]


@pytest.mark.fault(19)
def test_tables_columns_and_schemas_of_any_name_are_backed_up(database: Database, backup_root: Path) -> None:
    for number, name in enumerate(ODD):
        database.sql(
            f"CREATE SCHEMA {quoted('s ' + name[:50])};"
            f"CREATE TABLE {quoted('s ' + name[:50])}.{quoted(name)} ({quoted(name)} text, n serial);"
            f"CREATE TABLE {quoted(name)} ({quoted(name)} text);"
            f"INSERT INTO {quoted(name)} VALUES ('{number}')"
        )
    taken = back_up(database, backup_root)
    names = [file.name for file in taken.manifest.csv_files]
    assert len({name.casefold() for name in names}) == len(names) == 4 + 2 * len(ODD)
    assert verify.run(requests.verify(database.target, taken.directory)).findings == ()
    for file in taken.manifest.csv_files:
        if file.table == "public.../up":
            database.sql('TRUNCATE "../up"')
            by_hand(database, taken.directory, 'psql -X -v ON_ERROR_STOP=1 <<< "$LOAD"', LOAD=file.load)
    assert differences(taken.manifest, database) == ()


class Stopped(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Stopped:
        return cls(2026, 11, 16, 14, 30, 22, tzinfo=tz)


@pytest.mark.fault(18)
def test_two_backups_in_one_second_get_two_directories(
    database: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "datetime", Stopped)
    first, second = back_up(database, backup_root), back_up(database, backup_root)
    assert [taken.directory.name for taken in (first, second)] == [
        "migration_20261116_143022",
        "migration_20261116_143022_2",
    ]
    assert {taken.run_id for taken in (first, second)} == {"20261116_143022", "20261116_143022_2"}


def test_a_backup_of_a_role_that_may_not_read_a_table_fails_whole(database: Database, backup_root: Path) -> None:
    database.sql(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;"
        "GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON customers TO reader"
    )
    params = {**database.target.params, "user": "reader"}
    limited = requests.backup(
        type(database.target)(params, database.name, bin_dir=database.target.bin_dir), backup_root
    )
    with pytest.raises(PgsafeError) as caught:
        backup.run(limited)
    database.sql("DROP OWNED BY reader; DROP ROLE reader")
    assert "permission denied" in str(caught.value)
    assert list(backup_root.glob("*/migration_*")) == []
