# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proof in a temporary instance: it needs no server, suffices by itself, and nothing of it is left whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    PgsafeError,
    QueryFailed,
    Refused,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import RUNS
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import findings, instance
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server import forgery
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, new_roles, tools_with
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    back_up,
    command_lines,
    events,
    kill,
    python,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

ROOT = os.geteuid() == 0
NOWHERE = Target({"host": "/nonexistent", "port": "1"}, "")


@pytest.fixture
def stored(database: Database, backup_root: Path) -> Path:
    return back_up(database, backup_root).directory


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


def request(database: Database, stored: Path, place: Path | None) -> verify.VerifyRequest:
    """A proof that has no way to the server that the backup was taken from."""
    bin_dir = str(database.server.bin_dir)
    target = replace(NOWHERE, bin_dir=bin_dir)
    options = instance.Options(bin_dir, place)
    return requests.verify(target, stored, proof="temporary_instance", instance_options=options)


def servers_in(place: Path) -> list[int]:
    return [pid for pid, words in command_lines().items() if any(word.startswith(str(place)) for word in words)]


def require_gone(place: Path) -> None:
    assert list(place.iterdir()) == []
    assert servers_in(place) == []


@pytest.mark.every_major
def test_a_backup_is_proven_without_the_server_that_it_was_taken_from(
    database: Database, backup_root: Path, place: Path, roles: Roles
) -> None:
    owner, group = roles("its_owner", ""), roles("a_group", "")
    database.sql(f"GRANT {group} TO {owner}; ALTER TABLE orders OWNER TO {owner}; GRANT SELECT ON customers TO {group}")
    stored = back_up(database, backup_root).directory
    try:
        verdict = verify.run(request(database, stored, place))
    finally:
        database.sql(f"REASSIGN OWNED BY {owner} TO {pgserver.SUPERUSER}; DROP OWNED BY {group}")
    assert (verdict.reached, verdict.findings, verdict.notes) == ("restore", (), ())
    assert {"restore: initdb", "restore: start", "restore: globals", "restore: restore"} <= set(verdict.steps)
    assert events(stored)[-1] == "verified"
    require_gone(place)


def test_a_tablespace_of_the_backup_is_made_inside_the_cluster_and_its_directory_is_not_touched(
    database: Database, backup_root: Path, place: Path, tmp_path: Path
) -> None:
    location = database.server.data_dir.parent / f"space_{database.name}"
    location.mkdir()
    shutil.chown(location, database.server.data_dir.owner(), database.server.data_dir.group())
    database.admin(f"CREATE TABLESPACE its_space LOCATION '{location}'")
    try:
        database.sql("ALTER TABLE customers SET TABLESPACE its_space")
        stored = back_up(database, backup_root).directory
        around = sorted(location.rglob("*"))
        verdict = verify.run(request(database, stored, place))
        assert (verdict.reached, verdict.findings) == ("restore", ())
        assert sorted(location.rglob("*")) == around
    finally:
        database.sql("ALTER TABLE customers SET TABLESPACE pg_default")
        database.admin("DROP TABLESPACE its_space")


def test_a_library_that_does_not_load_is_told_and_left_out(database: Database, stored: Path, place: Path) -> None:
    forgery.seal(stored, lambda facts: facts.update(preload_libraries="no_such_library"))
    verdict = verify.run(request(database, stored, place))
    assert (verdict.reached, verdict.findings) == ("restore", ())
    assert [note for note in verdict.notes if "no_such_library" in note and "could not be loaded" in note]
    require_gone(place)


def test_the_libraries_of_the_server_are_in_the_manifest_and_loaded(
    database: Database, stored: Path, place: Path
) -> None:
    asked = "SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'"
    assert manifest.read(stored).preload_libraries == database.admin(asked)
    forgery.seal(stored, lambda facts: facts.update(preload_libraries="auto_explain"))
    verdict = verify.run(request(database, stored, place))
    assert (verdict.reached, verdict.findings, verdict.notes) == ("restore", (), ())


@pytest.mark.fault(34)
def test_globals_that_do_not_suffice_are_found(
    database: Database, backup_root: Path, place: Path, roles: Roles
) -> None:
    owner = roles("lost_owner", "")
    database.sql(f"ALTER TABLE customers OWNER TO {owner}")
    stored = back_up(database, backup_root).directory
    database.sql(f"REASSIGN OWNED BY {owner} TO {pgserver.SUPERUSER}")
    forgery.rewrite(stored / "globals.sql", lambda text: text.replace(b"lost_owner", b"lost_ownes"))
    forgery.seal(stored)
    verdict = verify.run(request(database, stored, place))
    assert verdict.reached == "decode"
    assert 'role "lost_owner" does not exist' in verdict.findings[0].as_text()
    forgery.rewrite(stored / "globals.sql", lambda text: text.replace(b"CREATE ROLE lost_ownes", b"CREATE ROLLE x"))
    forgery.seal(stored)
    (finding,) = verify.run(request(database, stored, place)).findings
    assert finding.as_text().startswith("globals.sql: does not make the roles and tablespaces: ")
    require_gone(place)


@pytest.mark.fault(34)
def test_an_archive_of_another_content_is_found_there_as_well(
    database: Database, stored: Path, backup_root: Path, place: Path
) -> None:
    database.sql("DELETE FROM orders WHERE id = 7")
    other = back_up(database, backup_root).directory
    for name in (manifest.ARCHIVE, manifest.SCRIPT):
        shutil.copyfile(other / name, stored / name)
    forgery.seal(stored)
    verdict = verify.run(request(database, stored, place))
    assert verdict.reached == "decode"
    assert (
        findings.Finding(
            manifest.ARCHIVE, "restores to something else: table public.orders has 499 rows instead of 500"
        )
        in verdict.findings
    )
    require_gone(place)


def test_without_the_programs_of_a_server_it_is_refused_and_says_what_to_install(
    database: Database, stored: Path, place: Path, tmp_path: Path
) -> None:
    clients = tmp_path / "clients"
    tools_with(clients, database.server.bin_dir, "pg_dump", f'#!/bin/sh\nexec {database.server.bin_dir}/pg_dump "$@"\n')
    wanted = request(database, stored, place)
    options = instance.Options(str(clients), place)
    with pytest.raises(Refused, match=r"initdb of PostgreSQL \d+ is not in .*clients.*Install the server's package"):
        verify.run(replace(wanted, instance_options=options))
    require_gone(place)


@pytest.mark.fault(53)
def test_an_owner_whom_nobody_makes_is_found_there_and_told_with_advice_on_a_server(
    database: Database, backup_root: Path, place: Path, roles: Roles
) -> None:
    owner = roles("gone_owner", "")
    database.admin(f"ALTER DATABASE {database.name} OWNER TO {owner}")
    stored = back_up(database, backup_root).directory
    database.admin(f"ALTER DATABASE {database.name} OWNER TO {pgserver.SUPERUSER}; ALTER ROLE {owner} RENAME TO other")
    try:
        with pytest.raises(QueryFailed, match=r'role "gone_owner" does not exist.*globals\.sql') as caught:
            forgery.verified(database, stored)
        assert "temporary_instance" in caught.value.remedy
    finally:
        database.admin(f"ALTER ROLE other RENAME TO {owner}")
    assert verify.run(request(database, stored, place)).reached == "restore"
    forgery.rewrite(stored / "globals.sql", lambda text: text.replace(b"gone_owner", b"gone_ownes"))
    forgery.seal(stored)
    (finding,) = verify.run(request(database, stored, place)).findings
    assert finding.as_text() == "globals.sql: does not make the role gone_owner, who owns the database"


@pytest.mark.parametrize(
    ("user", "told"),
    [("nobody_of_this_name", "there is no other user nobody_of_this_name"), ("root", "does not run as root")],
)
def test_a_user_who_cannot_run_it_is_refused(
    database: Database, stored: Path, place: Path, user: str, told: str
) -> None:
    wanted = request(database, stored, place)
    options = instance.Options(str(database.server.bin_dir), place, user)
    with pytest.raises((Refused, BadRequest)) as caught:
        verify.run(replace(wanted, instance_options=options))
    assert told in str(caught.value) if ROOT else "Only root" in str(caught.value)


def test_a_directory_that_its_user_cannot_enter_is_refused(database: Database, stored: Path, tmp_path: Path) -> None:
    closed = tmp_path / ("closed" if ROOT else "missing")
    if ROOT:
        closed.mkdir(mode=0o700)
    with pytest.raises(Refused, match=r"cannot reach .*instance_directory"):
        verify.run(request(database, stored, closed))


def test_without_a_directory_it_goes_where_its_user_can_reach_it(database: Database, stored: Path) -> None:
    beside = stored.parent.parent / RUNS
    home = Path("/var/tmp") if ROOT else beside  # noqa: S108 - where every user can reach it
    around = sorted(home.glob("**/instance_*"))
    verdict = verify.run(request(database, stored, None))
    assert (verdict.reached, verdict.findings) == ("restore", ())
    assert sorted(home.glob("**/instance_*")) == around
    assert list(beside.glob("**/instance_*")) == []


# A proof that waits while the cluster is up, until it is told to stop.
WAITING = """
import json, sys
from pathlib import Path
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import instance
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
import time
stored, bin_dir, place = sys.argv[1:]

def wait(*_arguments):
    print("up", flush=True)
    while True:
        time.sleep(0.05)

copies.load_archive = wait
target = Target({"host": "/nonexistent", "port": "1"}, "", bin_dir=bin_dir)
request = requests.verify(target, Path(stored), proof="temporary_instance", record=False,
                               instance_options=instance.Options(bin_dir, Path(place)))
try:
    verify.run(request)
except PgsafeError as error:
    print(error, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_cluster_and_removes_it(
    database: Database, stored: Path, place: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with python(WAITING, tmp_path, str(stored), str(database.server.bin_dir), str(place)) as proof:
        assert proof.stdout
        assert proof.stdout.readline() == "up\n"
        assert servers_in(place)
        proof.send_signal(number)
        said = proof.stdout.read()
        proof.wait()
    if number != signal.SIGINT:
        assert f"The verification was interrupted by {number.name}." in said
    require_gone(place)
    assert events(stored)[-1] != "verified"


def test_what_a_killed_proof_has_left_is_ended_and_removed_by_the_next_and_a_living_one_is_not(
    database: Database, stored: Path, place: Path, tmp_path: Path
) -> None:
    arguments = (str(stored), str(database.server.bin_dir), str(place))
    with python(WAITING, tmp_path, *arguments) as killed, python(WAITING, tmp_path, *arguments) as living:
        for proof in (killed, living):
            assert proof.stdout
            assert proof.stdout.readline() == "up\n"
        killed.kill()
        killed.wait()
        left = set(place.iterdir())
        assert len(left) == 2
        verdict = verify.run(request(database, stored, place))
        assert (verdict.reached, verdict.findings) == ("restore", ())
        (gone,) = [note for note in verdict.notes if "removed what a killed proof has left" in note]
        (kept,) = place.iterdir()
        assert kept in left
        assert str(kept) not in gone
        assert servers_in(kept)
        living.send_signal(signal.SIGTERM)
        living.wait()
    require_gone(place)


def test_a_server_that_dies_in_the_middle_is_an_error_and_no_finding(
    database: Database, stored: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> None:
        kill(servers_in(place))
        until(lambda: not servers_in(place), "the server is gone")

    monkeypatch.setattr(verify.proof.copies, "load_archive", die)  # type: ignore[attr-defined]
    with pytest.raises(PgsafeError):
        verify.run(request(database, stored, place))
    require_gone(place)
