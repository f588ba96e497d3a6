# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A play over a database that an earlier run has left: refused, told what to do, and then as if nothing had been."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    SLEEPING,
    Database,
    fenced,
    migrating,
    ours,
    until,
    write_set,
)

DYING = {"1.sql": "ALTER TABLE customers ADD died int;\n", "2.sql": "SELECT pg_sleep(600);\n"}


@pytest.mark.long
def test_a_run_that_rests_is_left_alone_until_a_person_says_that_it_is_dead(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    taken = fenced(database, backup_root)
    hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", GOOD))}
    confirmed = ("-e", f"pg_migrate_confirm={database.name}")
    refused = ansible.play(hosts, *confirmed)
    assert refused.verdict("one") == "refused: nothing was changed"
    assert f"pgsafe.migration.recover -e pg_migrate_run_id={taken.run_id}" in refused.flat
    named = ("-e", f"pg_migrate_run_id={taken.run_id}")
    foreseen = ansible.play(hosts, *named, "--check", playbook="pgsafe.migration.recover")
    assert f"[ ] The run {taken.run_id} would be undone" in foreseen.flat
    recovered = ansible.play(hosts, *named, playbook="pgsafe.migration.recover")
    assert recovered.status == 0, recovered.output
    assert f"[✓] Undone: the run {taken.run_id}, which had not begun to migrate" in recovered.flat
    foreseen = ansible.play(hosts, *confirmed, "--check")
    assert foreseen.verdict("one") == "pending: the checks passed, and the migration would run"


def test_a_run_finishes_a_killed_one_before_it_begins_itself(
    ansible: Ansible, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root)
    with migrating(database, taken, write_set(tmp_path / "dying", DYING)) as process:
        until(lambda: database.admin(SLEEPING.format(database.name)) == "1", "the migration waits")
        process.send_signal(signal.SIGKILL)
        process.wait()
        hosts = {"one": database.variables(backup_root, write_set(ansible.home / "set", GOOD))}
        played = ansible.play(hosts, "-e", f"pg_migrate_confirm={database.name}")
    assert played.verdict("one") == "migrated and verified"
    assert f"[✓] Rolled back: the run {taken.run_id}, which was interrupted while it migrated" in played.flat
    assert database.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'died'") == "0"
    assert ours(database.server, database.name) == {f"{database.name}__failed_{taken.run_id}"}
