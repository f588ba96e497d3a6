# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fleets: no batch starts after one that did not end well, and the report has a line for every host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from ansible_collections.pgsafe.migration.tests.server.plays import QUESTION, Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    SMALL,
    TREE,
    Database,
    databases,
    require_open,
    until,
    write_set,
)

import pgserver

NOT_STARTED = ("refused: nothing was changed", "not reached: nothing was changed")


@pytest.fixture
def fleet(database: Database, clone: Callable[[str], Database]) -> dict[str, Database]:
    return {"a": database, **{name: clone("small") for name in ("b", "c", "d")}}


def confirmed(fleet: dict[str, Database], **variables: object) -> tuple[str, str]:
    names = [database.name for database in fleet.values()]
    return "-e", json.dumps({"pg_migrate_confirm": names, **variables})


def report(ansible: Ansible) -> dict[str, dict[str, Any]]:
    """By host, what the play has reported; it keeps to the schema, and is there in all of its forms."""
    (directory,) = (ansible.home / "pgsafe" / "reports").iterdir()
    found = json.loads((directory / "report.json").read_text())
    jsonschema.validate(found, json.loads((TREE / "docs" / "fleet_report.schema.json").read_text()))
    cases = list(ET.parse(directory / "junit.xml").iter("testcase"))  # noqa: S314 written by the play
    assert len(cases) == len(found["hosts"])
    assert (directory / "report.html").read_text().count('<section class="run"') == len(cases)
    return {one["host"]: one for one in found["hosts"]}


def require_whole(one: Mapping[str, Any]) -> None:
    """Everything that a host that was migrated is reported with, from real results."""
    may_be = ("reasons", "retained_copy")
    absent = [name for name, value in one.items() if value in (None, "", []) and name not in may_be]
    assert absent == []
    assert one["version"] == {"before": "", "after": one["files"][-1]["name"]}
    assert None not in (one["rows"]["before"], one["rows"]["after"], one["rollback"]["expected_seconds"])
    assert one["verification"]["passed"]
    assert [file["state"] for file in one["files"] if file["seconds"] is not None] == ["applied"] * len(GOOD)
    assert [step["step"] for step in one["steps"]][-3:] == ["Confirm", "Migrate", "Report"]


@pytest.mark.fault(76)
def test_hosts_after_a_failed_one_are_not_started(
    ansible: Ansible, fleet: dict[str, Database], backup_root: Path
) -> None:
    good, broken = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("broken", BROKEN)))
    before = {name: database.fingerprint() for name, database in fleet.items()}
    hosts = {name: database.variables(backup_root, good) for name, database in fleet.items()}
    hosts["b"]["pg_migrate_source"] = str(broken)
    played = ansible.play(hosts, *confirmed(fleet, pg_migrate_serial=1))
    assert played.status != 0, played.output
    assert played.verdict("a") == "migrated and verified"
    assert played.verdict("b") == "rolled back: the database is as it was before"
    assert {played.verdict(name) for name in "cd"} <= set(NOT_STARTED)
    assert {name for name in fleet if fleet[name].fingerprint() != before[name]} == {"a"}
    reported = report(ansible)
    require_whole(reported["a"])
    assert [reported[name]["batch"] for name in "ab"] == [1, 2]
    assert [file["state"] for file in reported["b"]["files"]] == [*["rolled_back"] * len(GOOD), "failed"]
    assert None not in [file["seconds"] for file in reported["b"]["files"]]
    assert reported["b"]["rollback"]["kept"]
    assert reported["b"]["reasons"]
    assert [reported[name]["backup"] for name in "cd"] == [None, None]
    assert sorted(path.name for path in backup_root.glob("app*")) == sorted([fleet["a"].name, fleet["b"].name])


@pytest.mark.fault(76)
def test_where_it_is_asked_for_the_others_go_on_after_a_failed_one(
    ansible: Ansible, fleet: dict[str, Database], backup_root: Path
) -> None:
    good = write_set(ansible.home / "good", GOOD)
    broken = write_set(ansible.home / "broken", {"1.sql": "SELECT 1 / 0;\n"})
    hosts = {name: fleet[name].variables(backup_root, broken if name == "a" else good) for name in "abc"}
    played = ansible.play(hosts, *confirmed(fleet, pg_migrate_serial=[2, 1], pg_migrate_on_failure="continue"))
    assert played.status == 2, played.output
    assert played.verdict("a").startswith("failed"), played.output
    assert [played.verdict(name) for name in "bc"] == ["migrated and verified"] * 2


@pytest.mark.fault(77)
def test_an_unreachable_host_counts_as_not_well(
    ansible: Ansible, fleet: dict[str, Database], backup_root: Path
) -> None:
    good = write_set(ansible.home / "good", GOOD)
    before = {name: database.fingerprint() for name, database in fleet.items()}
    hosts = {name: database.variables(backup_root, good) for name, database in fleet.items()}
    hosts["a"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    played = ansible.play(hosts, *confirmed(fleet, pg_migrate_serial=[1, 3]))
    assert played.status == 4, played.output
    assert played.verdict("a") == "unreachable"
    assert {played.verdict(name) for name in "bcd"} <= set(NOT_STARTED)
    assert [name for name in fleet if fleet[name].fingerprint() != before[name]] == []
    reported = report(ansible)
    assert (reported["a"]["verdict"], reported["a"]["batch"]) == ("unreachable", 1)
    assert {name: one["database"] for name, one in reported.items()} == {name: fleet[name].name for name in fleet}


def test_one_answer_confirms_the_whole_batch(ansible: Ansible, fleet: dict[str, Database], backup_root: Path) -> None:
    good = write_set(ansible.home / "good", GOOD)
    hosts = {name: fleet[name].variables(backup_root, good) for name in "ab"}
    played = ansible.ask(hosts, "yes\r", "-e", "pg_migrate_serial=2")
    assert played.status == 0, played.output
    assert [played.verdict(name) for name in hosts] == ["migrated and verified"] * 2
    assert played.output.count(QUESTION) == 1


@pytest.mark.long
@pytest.mark.fault(76)
@pytest.mark.fault(78)
@pytest.mark.fault(79)
def test_a_host_that_fails_or_takes_long_changes_nothing_for_the_others_however_short_the_lease(
    ansible: Ansible,
    clone: Callable[[str], Database],
    database: Database,
    running: Callable[[int], pgserver.Server],
    tmp_path: Path,
) -> None:
    """A window of several tasks would leave the guards of fast hosts unpolled while the slow one is at work.

    One of the hosts is a namesake of another one: on a server of another major, with the same backup root.
    """
    files = {
        "good": {"1.sql": "ALTER TABLE customers ADD grade int;\n"},
        "slow": {"1.sql": "ALTER TABLE customers ADD grade int;\n", "2.sql": "SELECT pg_sleep(6);\n"},
        "twin": {"1.sql": "ALTER TABLE customers ADD grade int;\n"},
        "bad": {"1.sql": "ALTER TABLE customers ADD grade int;\n", "2.sql": "SELECT 1 / 0;\n"},
    }
    twin = Database(running(15), database.name)
    twin.admin(f"CREATE DATABASE {twin.name} TEMPLATE template0")
    twin.sql(SMALL)
    databases = {"good": database, "slow": clone("small"), "bad": clone("small"), "twin": twin}
    root = tmp_path / "fleet"
    root.mkdir(mode=0o700)
    common = {"pg_migrate_guard": {"lease": 3}, "pg_migrate_confirm": [found.name for found in databases.values()]}
    hosts = {
        name: {**found.variables(root, write_set(ansible.home / name, files[name])), **common}
        for name, found in databases.items()
    }
    before = databases["bad"].fingerprint()
    played = ansible.play(hosts, "-e", '{"pg_migrate_serial": ["100%"]}', "--forks", "2")
    assert {name: played.verdict(name) for name in hosts} == {
        "good": "migrated and verified",
        "slow": "migrated and verified",
        "twin": "migrated and verified",
        "bad": "rolled back: the database is as it was before",
    }
    assert databases["bad"].fingerprint() == before
    assert len(list((root / database.name).glob("migration_*/manifest.json"))) == 2
    twin.admin(f"DROP DATABASE {twin.name} WITH (FORCE)")


WRITTEN = "INSERT INTO customers (name) SELECT 'since' FROM generate_series(1, 12)"


def writing(database: Database) -> list[str]:
    """A client that writes, as a command."""
    server = database.server
    address = ["-h", str(server.socket_dir), "-p", str(server.port), "-U", pgserver.SUPERUSER, "-d", database.name]
    return [str(server.bin_dir / "psql"), *address, "-c", WRITTEN]


@pytest.mark.long
@pytest.mark.fault(76)
def test_the_hosts_of_a_failed_batch_are_rolled_back_within_their_limits(
    ansible: Ansible, fleet: dict[str, Database], backup_root: Path, clone: Callable[[str], Database], tmp_path: Path
) -> None:
    """The canary, a batch before, stays. Of the failed batch one has lost too much, and one loses its backup.

    As these two stay migrated, the next batch begins, where that is asked for. What was rolled back proves nothing.
    """
    fleet = {**fleet, "e": clone("small"), "f": clone("small")}
    good, broken = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("broken", BROKEN)))
    before = {name: database.fingerprint() for name, database in fleet.items()}
    hosts = {name: database.variables(backup_root, good) for name, database in fleet.items()}
    hosts["c"]["pg_migrate_source"] = str(broken)
    hosts["b"]["pg_migrate_keep_copy_for"] = "1h"
    for name in "bd":
        hosts[name]["pg_migrate_hooks"] = {"after_opening": [writing(fleet[name])]}
    hosts["d"]["pg_migrate_batch_rollback"] = {"max_rows_written": 11}
    backups = str(backup_root / fleet["e"].name)
    hosts["e"]["pg_migrate_hooks"] = {"after_opening": [["find", backups, "-name", "full_backup.*", "-delete"]]}
    hosts["b"]["pg_migrate_batch_rollback"] = {"max_rows_written": 12, "within": "1h"}
    (tmp_path / "records").mkdir()
    recorded = {"pg_migrate_promotion": {"dir": str(tmp_path / "records"), "environment": "staging"}}
    given = {"pg_migrate_serial": [1, 4, 1], "pg_migrate_on_batch_failure": "rollback_batch", **recorded}
    played = ansible.play(hosts, *confirmed(fleet, pg_migrate_on_failure="continue", **given))
    assert played.status == 2, played.output
    assert {name: played.verdict(name) for name in "abcdef"} == {
        "a": "migrated and verified",
        "b": "rolled back with its batch: the database is as it was before",
        "c": "rolled back: the database is as it was before",
        "d": "migrated and verified",
        "e": "migrated and verified",
        "f": "migrated and verified",
    }, played.output
    assert {name for name in fleet if fleet[name].fingerprint() != before[name]} == {"a", "d", "e", "f"}
    assert all(map(require_open_again, fleet.values()))
    assert "b: [warning] Since the verdict, 12 rows were written" in played.flat
    assert "The batch failed (c (rolled back)), but this host is not rolled back with it" in played.flat
    reported = report(ansible)
    assert (reported["b"]["verdict"], reported["b"]["well"]) == ("rolled_back_with_batch", False)
    assert reported["b"]["rollback"]["method"] == "verified_copy"
    assert fleet["b"].called(reported["b"]["rollback"]["kept"]).name in databases(fleet["b"].server)
    withdrawn = {path.parent.parent.name for path in tmp_path.glob("records/staging/*/*/*.withdrawn.json")}
    assert withdrawn == {"b"}
    assert {path.parent.parent.name for path in tmp_path.glob("records/staging/*/*/*.json")} == set("abdef")
    assert any("max_rows_written" in line for line in reported["d"]["reasons"])
    assert (reported["d"]["verdict"], reported["d"]["well"]) == ("migrated", True)
    assert (reported["e"]["verdict"], reported["e"]["well"]) == ("migrated", False)
    assert reported["e"]["reasons"]


def require_open_again(database: Database) -> bool:
    require_open(database)
    return True


@pytest.mark.fault(76)
@pytest.mark.fault(77)
def test_no_host_begins_to_migrate_when_its_batch_would_be_rolled_back(
    ansible: Ansible, fleet: dict[str, Database], backup_root: Path
) -> None:
    good = write_set(ansible.home / "good", GOOD)
    hosts = {name: fleet[name].variables(backup_root, good) for name in "ab"}
    hosts["a"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    before = fleet["b"].fingerprint()
    given = {"pg_migrate_serial": 2, "pg_migrate_on_batch_failure": "rollback_batch"}
    played = ansible.play(hosts, *confirmed(fleet, **given))
    assert [played.verdict(name) for name in "ab"] == ["unreachable", "refused: nothing was changed"], played.output
    assert "Other hosts of the batch failed before the migration (a)" in played.flat
    assert fleet["b"].fingerprint() == before
    require_open(fleet["b"])


@pytest.mark.long
@pytest.mark.fault(76)
def test_a_controller_that_is_killed_before_the_rollback_of_a_batch_leaves_whole_databases_and_a_command(
    ansible: Ansible, fleet: dict[str, Database], backup_root: Path
) -> None:
    good, broken = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("broken", BROKEN)))
    hosts = {"a": fleet["a"].variables(backup_root, good), "b": fleet["b"].variables(backup_root, broken)}
    before = {name: fleet[name].fingerprint() for name in hosts}
    given = {"pg_migrate_serial": 2, "pg_migrate_on_batch_failure": "rollback_batch"}
    argv = ["ansible-playbook", "pgsafe.migration.migrate", "-i", ansible.inventory(hosts), *confirmed(fleet, **given)]
    output = ansible.home / "output"
    with output.open("w") as stream:
        play = subprocess.Popen(
            argv, cwd=ansible.home, env=ansible.environment(), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            start_new_session=True,
        )
        try:
            until(lambda: "Report | Remember the verdict" in output.read_text(), "the verdicts")
        finally:
            os.killpg(play.pid, signal.SIGKILL)
            play.wait()
    said = " ".join(output.read_text().split())
    assert "b: [info] The batch failed. Once it has ended, its migrated hosts are rolled back." in said
    assert "pgsafe.migration.rollback -e pg_migrate_backup_dir=before_last_migration" in said
    assert {name for name in hosts if fleet[name].fingerprint() != before[name]} == {"a"}
    assert all(require_open_again(fleet[name]) for name in hosts)
    undo = ("-l", "a", "-e", "pg_migrate_backup_dir=before_last_migration", *confirmed(fleet))
    played = ansible.play(hosts, *undo, playbook="pgsafe.migration.rollback")
    assert played.status == 0, played.output
    assert fleet["a"].fingerprint() == before["a"]
