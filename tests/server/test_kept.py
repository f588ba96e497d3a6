# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases that rollbacks kept are dropped when they are old and confirmed, by name, OID and comment; no other is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.entry import TIME
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import JOURNAL, of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import kept
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import pin
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible, Played
from ansible_collections.pgsafe.migration.tests.server.support import Database, databases, proven
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

WEEK = 7.0


def _kept(database: Database, backup_root: Path, days: float = 8) -> tuple[str, Path]:
    """A rollback that was so many days ago: the database that it kept, and the backup."""
    taken = proven(database, backup_root)
    database.sql("DELETE FROM orders")
    restored = restore.run(requests.restore(database.target, taken.directory))
    journal = backup_root / ".runs" / taken.run_id / JOURNAL
    moment = (datetime.now(timezone.utc) - timedelta(days=days)).strftime(TIME)
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    aged = [{**event, "time": moment} if event["event"] == "swapping" else event for event in events]
    journal.write_text("".join(f"{json.dumps(event)}\n" for event in aged))
    return restored.kept, taken.directory


def _request(database: Database, backup_root: Path, *confirmed: str) -> kept.KeptRequest:
    return kept.KeptRequest(database.target, backup_root, WEEK, confirmed)


def test_a_kept_database_is_dropped_when_it_is_old_and_confirmed(database: Database, backup_root: Path) -> None:
    name, directory = _kept(database, backup_root)
    (planned,) = kept.plan(_request(database, backup_root))
    assert (planned.database.name, planned.due, planned.reason) == (name, True, "kept for 8 days")
    assert planned.database.backup_dir == str(directory)
    assert planned.database.bytes > 1 << 20
    (unconfirmed,) = kept.run(_request(database, backup_root, database.name))
    assert (unconfirmed.dropped, unconfirmed.reason) == (False, "kept for 8 days; not confirmed")
    assert name in databases(database.server)
    (dropped,) = kept.run(_request(database, backup_root, name))
    assert dropped.dropped
    assert name not in databases(database.server)
    assert database.sql("SELECT count(*) > 0 FROM orders") == "t"
    run_journal = of_run(backup_root, dropped.database.run_id)
    assert run_journal is not None
    assert run_journal.entries()[-1].facts["name"] == name
    assert not run_journal.state.irregular
    assert kept.run(_request(database, backup_root, name)) == ()
    # What a second rollback to that backup says does not depend on the kept database.
    assert restore.run(requests.restore(database.target, directory)).state == "not_needed"


@contextmanager
def _session(database: Database, name: str) -> Iterator[None]:
    database.admin(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    with database.called(name).holding("SELECT 1"):
        yield


def test_a_database_that_only_looks_like_a_kept_one_or_is_in_use_stays(database: Database, backup_root: Path) -> None:
    name, directory = _kept(database, backup_root)
    wanted = _request(database, backup_root, name)
    alike = name[:-1] + ("0" if name[-1] != "0" else "1")
    run_journal = of_run(backup_root, directory.name[10:])
    assert run_journal is not None

    def reason() -> str:
        found = {of.database.name: of for of in kept.run(wanted)}
        assert not found[name].dropped
        return found[name].reason

    with _session(database, name):
        assert reason() == "in use by 1 session"
    assert reason() == "it was opened to connections since it was kept"
    database.admin(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    with run_journal.held():
        assert reason() == "its run is being worked on"
    pin.run(pin.PinRequest(directory, "the auditors"))
    assert reason() == "the backup of its run is pinned: the auditors"
    pin.run(pin.PinRequest(directory, ""))
    comment = database.admin(
        f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{name}'"
    )
    database.admin(f"COMMENT ON DATABASE \"{name}\" IS 'mine'")
    assert reason() == "its comment was changed since it was kept"
    database.admin(f"COMMENT ON DATABASE \"{name}\" IS '{comment}'")
    young = kept.run(kept.KeptRequest(database.target, backup_root, 9.0, (name,)))
    assert [of.reason for of in young] == ["kept for 8 days of 9 days"]

    database.admin(f'ALTER DATABASE "{name}" RENAME TO "{alike}"')
    database.admin(f'CREATE DATABASE "{name}"')
    database.admin(f"COMMENT ON DATABASE \"{name}\" IS '{comment}'")
    both = kept.run(_request(database, backup_root, name, alike))
    assert not any(of.dropped for of in both)
    reasons = {of.database.name: of.reason for of in both}
    assert reasons[name].startswith("now another database: OID ")
    assert reasons[alike] == "no run of this backup root made it"
    assert {name, alike} <= databases(database.server)
    database.admin(f'DROP DATABASE "{name}"')
    database.admin(f'DROP DATABASE "{alike}"')


@pytest.mark.long
@pytest.mark.fault(43)
def test_the_playbooks_list_a_kept_database_and_drop_it_once_it_is_confirmed(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    name, _directory = _kept(database, backup_root)
    hosts = {"one": database.variables(backup_root)}
    listed = ansible.play(hosts, playbook="pgsafe.migration.list")
    assert listed.status == 0, listed.output
    assert "1 backup under" in listed.flat
    assert f"Would drop, once it is confirmed, {name}" in listed.flat

    foreseen = ansible.play(hosts, "--check", playbook="pgsafe.migration.prune")
    assert foreseen.status == 0, foreseen.output
    assert f"Would drop, once it is confirmed, {name}" in foreseen.flat
    unattended = ansible.play(hosts, playbook="pgsafe.migration.prune")
    assert unattended.status == 0, unattended.output
    assert "not confirmed" in unattended.flat
    refused = ansible.ask(hosts, "no\n", playbook="pgsafe.migration.prune")
    assert f"DROP {name}, kept for 8 days" in refused.flat, refused.output
    assert name in databases(database.server)
    agreed = ansible.ask(hosts, "yes\n", playbook="pgsafe.migration.prune")
    assert agreed.status == 0, agreed.output
    assert f"[✓] Dropped {name}" in agreed.flat
    assert name not in databases(database.server)


def test_backups_are_listed_where_no_server_answers(ansible: Ansible, database: Database, backup_root: Path) -> None:
    nowhere = {"pg_migrate_connection": {"login_host": "127.0.0.1", "login_port": 1}}
    hosts = {"one": {**database.variables(backup_root), **nowhere}}

    def played(playbook: str) -> Played:
        return ansible.play(hosts, playbook=f"pgsafe.migration.{playbook}")

    proven(database, backup_root)
    listed = played("list")
    assert listed.status == 0, listed.output
    assert "1 backup under" in listed.flat
    # No run has kept a database, so there is nothing that the server would have to be asked for.
    assert "are not known" not in listed.flat
    assert played("prune").status == 0
    _kept(database, backup_root)
    again = played("list")
    assert again.status == 0, again.output
    assert "2 backups under" in again.flat
    assert "The databases that rollbacks have kept are not known." in again.flat
    pruned = played("prune")
    assert pruned.status == 2
    assert "No connection to" in pruned.flat
