# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rollback of a batch from the archive, broken off by the loss of a host or of its connection, and by Ctrl+C."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server.guarding import EVERY
from ansible_collections.pgsafe.migration.tests.server.interruptions import BRAKE, BRAKED, BY_ARCHIVE, brake
from ansible_collections.pgsafe.migration.tests.server.matrix import PIPED, over_ssh
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.sshd import Sshd, network
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    databases,
    guards_of,
    kill,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.terminals import Terminal, family, terminal

LEASE_SECONDS = 4.0


@pytest.mark.fault(76)
@pytest.mark.fault(77)
def test_a_rollback_of_a_batch_that_is_broken_off_leaves_whole_databases_and_can_be_done_by_hand(
    ansible: Ansible, database: Database, backup_root: Path, clone: Callable[[str], Database]
) -> None:
    """Of the three hosts one fails, one is lost while it is rolled back, and then Ctrl+C is pressed."""
    fleet = {"pressed": database, "lost": clone("small"), "failed": clone("small")}
    for name in ("pressed", "lost"):
        fleet[name].sql(BRAKE.format("restored"))
    before = {name: found.fingerprint() for name, found in fleet.items()}
    good, broken = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("broken", BROKEN)))
    for name in fleet:
        (backup_root / name).mkdir(mode=0o700)
    hosts = {name: fleet[name].variables(backup_root / name, good) for name in fleet}
    hosts["failed"]["pg_migrate_source"] = str(broken)
    given = {"pg_migrate_serial": 3, "pg_migrate_on_batch_failure": "rollback_batch", **BY_ARCHIVE}
    confirmed = {"pg_migrate_confirm": [found.name for found in fleet.values()]}
    argv = ["ansible-playbook", "pgsafe.migration.migrate", "-i", ansible.inventory(hosts)]
    with brake(database.server, on=True), terminal(ansible, [*argv, "-e", json.dumps({**given, **confirmed})]) as play:
        until(lambda: _restoring(fleet["pressed"], play) and _restoring(fleet["lost"], play), "both are rolled back")
        _lose(backup_root / "lost")
        play.press_ctrl_c()
        until(play.ended, "the play ends")
    assert f"{database.name} is open and was left as it is; it was not replaced." in play.flat
    assert "lost UNFINISHED: the migration began, and was neither accepted nor rolled back" in play.flat
    assert "itself, the next run or the playbook pgsafe.migration.recover does." in play.flat
    assert "failed rolled back: the database is as it was before" in play.flat
    for name in ("pressed", "failed"):
        require_open(fleet[name])
    assert {name for name in ("pressed", "failed") if fleet[name].fingerprint() != before[name]} == {"pressed"}
    beside = [name for name in databases(database.server) if name.startswith(f"{database.name}__")]
    assert beside == []
    undo = ("-l", "pressed,lost", "-e", json.dumps(confirmed), "-e", "pg_migrate_backup_dir=before_last_migration")
    played = ansible.play(hosts, *undo, playbook="pgsafe.migration.rollback")
    assert played.status == 0, played.output
    for name, found in fleet.items():
        require_open(found)
        assert found.fingerprint() == before[name], name


@pytest.mark.fault(76)
def test_a_host_whose_connection_ends_in_the_rollback_of_its_batch_is_rolled_back_by_its_guard(
    ansible: Ansible, logins: Sshd, database: Database, backup_root: Path, clone: Callable[[str], Database]
) -> None:
    fleet = {"cut": database, "failed": clone("small")}
    database.sql(BRAKE.format("restored"))
    before = {name: found.fingerprint() for name, found in fleet.items()}
    good, broken = (write_set(ansible.home / name, files) for name, files in (("good", GOOD), ("broken", BROKEN)))
    for name in fleet:
        (backup_root / name).mkdir(mode=0o700)
    hosts = {name: found.variables(backup_root / name, good) for name, found in fleet.items()}
    hosts["failed"].update(pg_migrate_source=str(broken), ansible_connection="local")
    given = {
        "pg_migrate_serial": 2,
        "pg_migrate_on_batch_failure": "rollback_batch",
        "pg_migrate_guard": {"lease": LEASE_SECONDS},
        "pg_migrate_confirm": [found.name for found in fleet.values()],
        **BY_ARCHIVE,
    }
    with network(logins) as (port, wire), brake(database.server, on=True):
        far = over_ssh(ansible, logins, PIPED, port)
        argv = ["ansible-playbook", "pgsafe.migration.migrate", "-i", far.inventory(hosts), "-e", json.dumps(given)]
        with terminal(far, argv) as play:
            until(lambda: _restoring(database, play), "the host is rolled back")
            wire.kill()
            until(play.ended, "the play ends")
    assert "cut unreachable" in play.flat, play.said
    assert "failed rolled back: the database is as it was before" in play.flat
    until(lambda: not any(guards_of(backup_root / "cut", role) for role in EVERY), "the guard has ended")
    for name, found in fleet.items():
        require_open(found)
        assert found.fingerprint() == before[name], name


def _restoring(database: Database, play: Terminal) -> bool:
    assert not play.ended(), play.said
    return database.admin(BRAKED.format("restored").format(database.name)) == "t"


def _lose(root: Path) -> None:
    """All of the host's processes of the run at once."""
    ours = [pid for role in EVERY for pid in guards_of(root, role)]
    assert ours
    kill([*ours, *(pid for one in ours for pid in family(one))])
