# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ends before anything is changed, and what it tells to do; and that no way round the steps changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server import leftovers
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible, Played
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    Database,
    back_up,
    databases,
    everything,
    tmpfs,
    write_set,
)

import controllers
import pgserver

REFUSED = "refused: nothing was changed"


@dataclass(frozen=True)
class Stage:
    """A database with a pending migration that is confirmed, and how it was before."""

    ansible: Ansible
    database: Database
    backup_root: Path

    @property
    def variables(self) -> dict[str, object]:
        return {**self.connected(), "pg_migrate_confirm": self.database.name}

    def connected(self, **connection: object) -> dict[str, object]:
        return self.database.variables(self.backup_root, write_set(self.ansible.home / "set", GOOD), **connection)

    def play(self, changed: Mapping[str, object], *options: str, playbook: str = "pgsafe.migration.migrate") -> Played:
        """A run that must fail and leave the database, and those beside it, alone."""
        return self.play_each({"one": changed}, *options, playbook=playbook)

    def play_each(
        self,
        changed: Mapping[str, Mapping[str, object]],
        *options: str,
        playbook: str = "pgsafe.migration.migrate",
    ) -> Played:
        """As play, for hosts of one batch."""
        before, around = self.database.fingerprint(), databases(self.database.server)
        hosts = {name: {**self.variables, **wrong} for name, wrong in changed.items()}
        played = self.ansible.play(hosts, "-e", '{"pg_migrate_serial": "100%"}', *options, playbook=playbook)
        assert played.status != 0, played.output
        assert self.database.fingerprint() == before
        assert databases(self.database.server) == around
        return played


@pytest.fixture
def stage(ansible: Ansible, database: Database, backup_root: Path) -> Stage:
    return Stage(ansible, database, backup_root)


BY_TCP = {"login_unix_socket": "", "login_host": "127.0.0.1"}


def test_a_server_that_cannot_be_used_ends_the_run_with_advice(stage: Stage, tmp_path: Path) -> None:
    """Each host of one batch for its own reason."""
    cases: dict[str, tuple[dict[str, object], list[str]]] = {
        "password": (
            stage.connected(**BY_TCP, login_password="not-the-password"),
            ["password authentication failed", "Check login_user and login_password (or the pgpass file)."],
        ),
        "stopped": (
            stage.connected(**BY_TCP, login_port=pgserver.free_port()),
            ["Connection refused", "Check that the server runs and listens there"],
        ),
        "missing": (
            {"pg_migrate_db": "no_such", "pg_migrate_confirm": "no_such"},
            ['database "no_such" does not exist', "Check the name in login_db and login_user"],
        ),
        "tools": (
            stage.connected(bin_dir=str(tmp_path)),
            ["No client tools of PostgreSQL", "or name the directory in bin_dir"],
        ),
    }
    played = stage.play_each({name: changed for name, (changed, _told) in cases.items()})
    assert {name: played.verdict(name) for name in cases} == dict.fromkeys(cases, REFUSED)
    assert [text for _changed, told in cases.values() for text in told if text not in played.flat] == []
    assert "not-the-password" not in played.output
    assert everything(stage.backup_root) == []


@pytest.mark.full_disk
def test_too_small_a_disk_ends_the_run_with_advice(stage: Stage, tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "128k") as disk:
        played = stage.play({"pg_migrate_backup_root": str(disk)})
        assert "in three formats" in played.flat
        assert f"Free space (df -h {disk})" in played.flat
        assert everything(disk) == []


@pytest.mark.full_disk
def test_a_disk_that_fills_during_the_backup_ends_the_run_with_advice(stage: Stage, tmp_path: Path) -> None:
    stage.database.sql("CREATE TABLE bulk AS SELECT md5(i::text) AS text FROM generate_series(1, 100000) AS i")
    with tmpfs(tmp_path / "disk", "2m") as disk:
        played = stage.play({"pg_migrate_backup_root": str(disk), "pg_migrate_thresholds": {"disk_factor": 0}})
        assert "No space left on device" in played.flat
        assert "The incomplete backup directory was removed; the database was not changed." in played.flat
        assert list(disk.glob("*/migration_*")) == []


def test_several_problems_are_told_at_once(stage: Stage, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    played = stage.play({**stage.connected(bin_dir=str(tmp_path)), "pg_migrate_backup_root": str(missing)})
    assert "No client tools of PostgreSQL" in played.flat
    assert f"install -d -m 0700 {missing}" in played.flat


@pytest.mark.parametrize("option", ["--tags", "--skip-tags"])
def test_a_run_in_part_is_refused(stage: Stage, option: str) -> None:
    played = stage.play({}, option, "x")
    assert "A migration is run whole or not at all" in played.flat
    assert everything(stage.backup_root) == []


def test_a_run_that_starts_in_the_middle_is_refused(stage: Stage) -> None:
    task = "pgsafe.migration.pg_migrate : Migrate | Apply the set, verify it, and roll back if it fails"
    stage.play({}, "--start-at-task", task)
    assert everything(stage.backup_root) == []


def test_a_backup_that_cannot_be_begun_is_a_refusal_in_check_mode_too(stage: Stage) -> None:
    played = stage.play({"pg_migrate_backup": {"volatile_tables": ["customers"]}}, "--check")
    assert "Name the others in pg_migrate_backup.volatile_tables too" in played.flat, played.output
    assert played.verdict("one") == "refused: nothing was changed", played.output


@pytest.mark.parametrize("why", ["failing preflight", "not confirmed"])
def test_errors_that_a_playbook_ignores_change_nothing(stage: Stage, why: str) -> None:
    changed = stage.connected(bin_dir="/nowhere") if why == "failing preflight" else {"pg_migrate_confirm": ""}
    role = {"role": "pgsafe.migration.pg_migrate", "ignore_errors": True}
    ignoring = stage.ansible.playbook([{"hosts": "all", "gather_facts": False, "roles": [role]}])
    before, around = stage.database.fingerprint(), databases(stage.database.server)
    played = stage.ansible.play({"one": {**stage.variables, **changed}}, playbook=ignoring)
    assert "Nothing" in played.output
    leftovers.require_none(stage.ansible.home.parent, stage.database.server)
    assert stage.database.fingerprint() == before
    assert databases(stage.database.server) == around


@pytest.mark.parametrize("backup", ["none", "unproven"])
def test_the_module_alone_refuses_without_a_proven_backup(stage: Stage, backup: str) -> None:
    before = stage.database.fingerprint()
    variables, target = stage.variables, stage.database.target
    arguments = {
        "login_db": stage.database.name,
        "login_unix_socket": target.params["host"],
        "login_port": target.params["port"],
        "login_user": target.params["user"],
        "bin_dir": target.bin_dir,
        "source": variables["pg_migrate_source"],
        "confirmed_database": stage.database.name,
    }
    if backup == "unproven":
        taken = back_up(stage.database, stage.backup_root)
        arguments |= {"backup_dir": str(taken.directory), "run_id": taken.run_id}
    played = stage.ansible.adhoc({}, "pgsafe.migration.pg_migration_apply", arguments)
    assert played.status != 0, played.output
    assert "Refusing to migrate: no verified backup from this run" in played.flat
    assert stage.database.fingerprint() == before


def test_a_set_that_leaves_its_session_is_refused_before_the_backup(stage: Stage) -> None:
    source = write_set(stage.ansible.home / "other", {"1.sql": "SELECT 1;\n\\! touch /tmp/never\n"})
    played = stage.play({"pg_migrate_source": str(source)})
    assert "leaves the database that was backed up" in played.flat
    assert everything(stage.backup_root) == []


def test_everything_that_is_wrong_at_the_start_is_told_at_once_and_before_anything_is_begun(
    stage: Stage, tmp_path: Path
) -> None:
    wrong: dict[str, object] = {
        "pg_migrate_expectation": {},
        "pg_migrate_confirm": "other",
        "pg_migrate_backup_root": "backups",
        "pg_migrate_source": str(tmp_path / "nowhere"),
        "pg_migrate_command": {"argv": ["/opt/no/such", "--head"]},
        "pg_migrate_tasks": "no_such.yml",
        "pg_migrate_hooks": {"before_fence": [["no_such_command", "pause"]], "after_opening": ["resume"]},
        "pg_migrate_retention": {"keep_min": 0},
        "pg_migrate_verification": {
            "assertions": [{"name": "both", "sql": "SELECT 1", "rows_that_must_not_exist": "SELECT 1"}],
            "expectations": {"public.orders": "shrinks"},
        },
        "pg_migrate_waive": {"checks": {"no_such_check": "why"}},
        "pg_migrate_audit": {"rules_dir": str(tmp_path)},
        "pg_migrate_fence": "none",
        "pg_migrate_on_verify_failure": "hold",
        "pg_migrate_batch_rollback": {"within": "soon"},
        "pg_migrate_jobs": 0,
        "pg_migrate_guard": {"lease": -1, "poll_interval": "0"},
        "pg_migrate_limits": {"lock_timeout": 3000000},
        "pg_migrate_budgets": {"audit_rule": -1},
        "pg_migrate_on_batch_failure": "rollback_batch",
    }
    variables = {**stage.ansible.variables, "ANSIBLE_STRATEGY": "free"}
    free = replace(stage, ansible=replace(stage.ansible, variables=variables))
    played = free.play(wrong, "-e", "pg_migrate_confrim=x", "-e", "pg_migrate_login_host=db1")
    for said in (
        "There is no variable pg_migrate_confrim. Did you mean pg_migrate_confirm?",
        "There is no variable pg_migrate_login_host. Did you mean pg_migrate_connection.login_host?",
        "There is no variable pg_migrate_expectation. Did you mean pg_migrate_verification.expectations?",
        f"pg_migrate_confirm names other; the database of this host (pg_migrate_db) is {stage.database.name}.",
        "pg_migrate_backup_root is not an absolute path: backups.",
        "pg_migrate_source and pg_migrate_command and pg_migrate_tasks exclude each other.",
        f"There is no migration set at {tmp_path}/nowhere.",
        "The command '/opt/no/such' cannot be run on the target.",
        "no_such.yml cannot be read (No such file or directory).",
        "The command ['no_such_command', 'pause'] cannot be run on the target.",
        "pg_migrate_hooks has 'resume'; write each command as a list",
        "pg_migrate_retention: keep_min is 0: the last proven backup would be removed.",
        "The assertion 'both' needs either sql",
        "public.orders",
        "Cannot waive no_such_check: unknown check.",
        f"There is no audit rule at {tmp_path}.",
        "pg_migrate_fence=none needs a reason. Set pg_migrate_waive.fence.",
        "With pg_migrate_on_verify_failure=hold",
        "pg_migrate_batch_rollback.within is no duration: soon.",
        "pg_migrate_jobs is 0; it must be 1 or more.",
        "pg_migrate_guard.lease is -1; it must be 0 or more.",
        "pg_migrate_guard.poll_interval is 0; it must be more than 0.",
        "pg_migrate_limits.lock_timeout is 3000000; it must be from 0 to 2147483.",
        "pg_migrate_budgets.audit_rule is -1; it must be 0 or more.",
        "With the strategy free a host does not wait for the others of its batch",
    ):
        assert said in played.flat
    assert played.verdict("one") == REFUSED
    assert everything(stage.backup_root) == []


def test_a_set_that_is_not_there_is_refused_before_anything_is_begun(stage: Stage) -> None:
    cases: dict[str, tuple[dict[str, object], str]] = {
        "nothing": ({"pg_migrate_source": "{{ omit }}"}, "There is nothing to apply."),
        "file": ({"pg_migrate_files": ["002_no_such.sql"]}, "has no file 002_no_such.sql"),
        "target": ({"pg_migrate_source": "/no/such", "pg_migrate_remote_src": True}, "at /no/such on the target"),
    }
    played = stage.play_each({name: wrong for name, (wrong, _said) in cases.items()})
    assert [said for _wrong, said in cases.values() if said not in played.flat] == []
    assert everything(stage.backup_root) == []


@pytest.mark.parametrize("playbook", ["migrate", "recover", "rollback"])
def test_a_key_that_a_dictionary_does_not_have_is_refused_before_anything_is_begun(stage: Stage, playbook: str) -> None:
    """The specification of the role names it; of a password that lies beside it nothing is shown."""
    wrong = stage.connected(login_hots="db1", login_password="never-shown-this")
    options = ["-e", "pg_migrate_backup_dir=before_last_migration", "-vvvv"]
    played = stage.play(wrong, *options, playbook=f"pgsafe.migration.{playbook}")
    assert "login_hots. Supported parameters include: bin_dir" in played.flat
    assert "never-shown-this" not in played.output
    assert everything(stage.backup_root) == []


@pytest.mark.parametrize("core", sorted(controllers.found()))
def test_dictionaries_of_another_shape_are_refused_at_once_and_before_anything_is_begun(
    stage: Stage, core: str
) -> None:
    started = replace(stage, ansible=replace(stage.ansible, programs=controllers.found()[core]))
    wrong: dict[str, object] = {
        "pg_migrate_command": {"chdir": "/"},
        "pg_migrate_limits": {"lock_timout": 1},
        "pg_migrate_instance": ["/var/tmp"],  # noqa: S108  # a word
        "pg_migrate_guard": {"lease": "soon"},
        "pg_migrate_backup": {"compress_method": "rar", "compress_level": 19},
        "pg_migrate_audit": {"rules": [{"name": "a", "query": "SELECT 1"}]},
        "pg_migrate_waive": {"disk_space": "why"},
    }
    played = started.play(wrong)
    for said in (
        "missing required arguments: argv found in pg_migrate_command",
        "unable to convert to dict",
        "unable to convert to float",
        "value of compress_method must be one of: ",
        "value of compress_level must be one of: ",
        "missing required arguments: sql found in pg_migrate_audit -> rules",
        "pg_migrate_limits.lock_timout, pg_migrate_waive.disk_space. Supported parameters include: ",
    ):
        assert said in played.flat
    assert played.verdict("one") == REFUSED
    assert everything(stage.backup_root) == []


MISSPELT = "There is no variable pg_migrate_confrim. Did you mean pg_migrate_confirm?"


@pytest.mark.parametrize("playbook", ["recover", "status", "rollback"])
def test_the_other_playbooks_refuse_a_misspelt_variable_too(stage: Stage, playbook: str) -> None:
    options = ["-e", "pg_migrate_backup_dir=before_last_migration"]
    played = stage.play({"pg_migrate_confrim": "x"}, *options, playbook=f"pgsafe.migration.{playbook}")
    assert MISSPELT in played.flat
    assert everything(stage.backup_root) == []


@pytest.mark.fault(81)
@pytest.mark.parametrize("core", sorted(controllers.found()))
def test_every_ansible_sees_at_the_start_what_is_misspelt_and_that_nobody_could_be_asked(
    stage: Stage, core: str
) -> None:
    started = replace(stage, ansible=replace(stage.ansible, programs=controllers.found()[core]))
    played = started.play({"pg_migrate_confirm": "", "pg_migrate_confrim": "x"})
    assert MISSPELT in played.flat
    assert "It could not be confirmed: There is no terminal to ask on." in played.flat
    assert everything(stage.backup_root) == []
