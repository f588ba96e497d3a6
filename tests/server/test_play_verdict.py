# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run ends well only where a module said so, and the verdict says who may use the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.text import duration
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    Database,
    everything,
    finish,
    ours,
    require_open,
    until,
    write_set,
)

RAISES = {"1.sql": "DELETE FROM orders;\nSELECT 1 / 0;\n"}
UNCHANGED = "failed: the database is as it was, nothing had to be restored"
PENDING = "pending: the checks passed, and the migration would run"


def artifacts(output: str) -> dict[str, dict[str, str]]:
    """What the play leaves for the next job of a workflow."""
    found: dict[str, dict[str, str]] = json.loads(output.rpartition("RUN: ")[2].splitlines()[0])["pgsafe"]
    return found


def losing_its_login(database: Database) -> tuple[str, list[list[str]]]:
    """A role that can no longer connect once the run has opened the database again."""
    role = f"operator_{database.name}"
    database.admin(f"CREATE ROLE {role} LOGIN SUPERUSER")
    psql = [str(database.server.bin_dir / "psql"), "-X", "-h", str(database.server.socket_dir)]
    connection = ["-p", str(database.server.port), "-U", database.target.params["user"], "-d", "postgres"]
    return role, [[*psql, *connection, "-c", f"ALTER ROLE {role} NOLOGIN"]]


def test_no_failure_however_it_comes_lets_the_next_batch_begin(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    databases = {"login": database, **{name: clone("small") for name in ("lost", "crashed", "fine", "next")}}
    good, raises = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("raises", RAISES)))
    hosts = {name: found.variables(backup_root, good) for name, found in databases.items()}
    role, after = losing_its_login(database)
    hooks = {"pg_migrate_hooks": {"after_opening": after}}
    hosts["login"] = {**database.variables(backup_root, raises, login_user=role), **hooks}
    # Reached until its backup is there, and never again.
    reached = "{{ 'ssh' if pg_migrate_backed_up.backup_dir | default('') else 'local' }}"
    hosts["lost"] |= {"ansible_connection": reached, "ansible_host": "127.0.0.1", "ansible_port": 1}
    # Every module dies from the migration on, and so does the one that would undo it.
    python = "{{ '/nowhere' if pg_migrate_proved.reached | default('') else ansible_playbook_python }}"
    hosts["crashed"] |= {"ansible_python_interpreter": python}
    before = {name: found.fingerprint() for name, found in databases.items()}
    names = {"pg_migrate_confirm": [found.name for found in databases.values()]}
    told = {"pg_migrate_unattended": True, "pg_migrate_serial": [4, 1], **names}
    # The fences of the lost and of the crashed host stand until the play has ended.
    told |= {"pg_migrate_guard": {"lease": 3600}}
    stats = replace(ansible, variables={**ansible.variables, "ANSIBLE_SHOW_CUSTOM_STATS": "1"})
    played = stats.play(hosts, "-e", json.dumps(told))
    assert played.status != 0, played.output
    assert played.verdict("login") == UNCHANGED
    assert played.verdict("lost") == "unreachable"
    assert played.verdict("crashed").startswith("UNKNOWN: no module said how the run ended")
    assert played.verdict("fine") == "migrated and verified"
    assert played.verdict("next") == "refused: nothing was changed"
    assert "of an earlier batch were not migrated (login, lost, crashed)" in played.flat
    ends = {host: left["verdict"] for host, left in artifacts(played.output).items()}
    assert ends == {"login": "failed_unchanged", "lost": "unknown", "crashed": "unknown", "fine": "migrated"}
    for name in ("lost", "crashed"):
        (run,) = (run for run in journal.all_runs(backup_root) if run.database == databases[name].name)
        finish(databases[name], run)
    assert {name for name, found in databases.items() if found.fingerprint() != before[name]} == {"fine"}
    # The verified copy, which nobody could drop, belongs to it.
    database.admin(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP ROLE {role}")


def _runs(backup_root: Path, database: Database) -> list[str]:
    return [path.name[len("migration_") :] for path in (backup_root / database.name).glob("migration_*")]


def test_in_check_mode_a_fleet_goes_on_behind_hosts_that_are_pending(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    source, other = write_set(ansible.home / "set", GOOD), clone("small")
    hosts = {name: found.variables(backup_root, source) for name, found in (("a", database), ("b", other))}
    played = ansible.play(hosts, "-e", "pg_migrate_serial=1", "--check")
    assert played.status == 0, played.output
    assert [played.verdict(name) for name in hosts] == [PENDING, PENDING]
    assert everything(backup_root) == []


def test_what_an_earlier_migration_of_the_play_has_left_does_not_speak_for_the_next(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    variables = database.variables(backup_root, write_set(ansible.home / "set", GOOD), bin_dir="{{ tools }}")
    play = {"hosts": "all", "gather_facts": False, "roles": ["pgsafe.migration.pg_migrate"]}
    places = (str(database.server.bin_dir), "/nowhere")
    book = ansible.playbook([{**play, "vars": {"tools": place}} for place in places])
    shown = replace(ansible, variables={**ansible.variables, "ANSIBLE_CALLBACKS_ENABLED": "pgsafe.migration.phases"})
    played = shown.play({"one": variables}, "--check", playbook=book)
    assert played.status == 2, played.output
    assert f"{database.name}: pending" in played.flat
    assert f"{database.name}: refused" in played.flat
    assert played.verdict("one") == "refused: nothing was changed"


@pytest.mark.fault(56)
def test_a_refused_run_whose_fence_cannot_be_lifted_says_who_may_use_the_database_and_until_when(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    before = database.fingerprint()
    source = write_set(ansible.home / "set", GOOD)
    # The server cannot be reached any more when the window is to be opened.
    port = f"{{{{ 1 if pg_migrate_proved.reached | default('') else {database.server.port} }}}}"
    given = {"pg_migrate_confirm": database.name, "pg_migrate_guard": {"idle_timeout": 20}}
    played = ansible.play({"one": {**database.variables(backup_root, source, login_port=port), **given}})
    assert played.status == 2, played.output
    assert played.verdict("one") == "refused: the migration did not begin, and the database is not open for writing"
    (run_id,) = _runs(backup_root, database)
    assert f"Others may read {database.name} and not write to it." in played.flat
    when = f"when the playbook has ended, or {duration(20)} after its last step"
    assert f"The watchdog of the run ({when}) or the next run ends that." in played.flat
    assert f"pgsafe.migration.recover -e pg_migrate_run_id={run_id}" in played.flat
    setting = "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = "
    until(lambda: database.admin(f"{setting}'{database.name}'") == "0", "the watchdog has opened it")
    until(lambda: not ours(database.server, database.name), "it has dropped the verified copy")
    assert database.fingerprint() == before
    require_open(database)
