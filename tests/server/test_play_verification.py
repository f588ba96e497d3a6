# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verification through Ansible: what is declared arrives, a held host stops the fleet, and a person goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    back_up,
    everything,
    ours,
    write_set,
)

FILES = {"1.sql": "DELETE FROM orders WHERE id <= 10;\nALTER TABLE customers ADD grade int DEFAULT 1;\n"}
ASSERTED = [{"name": "graded", "sql": "SELECT count(*) FROM customers WHERE grade = 1", "expected": 60}]


@pytest.mark.long
@pytest.mark.fault(76)
def test_a_held_host_stops_the_fleet_until_a_person_has_decided(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path
) -> None:
    second = clone("small")
    before = second.fingerprint()
    after = {"pg_migrate_verification": {"assertions": ASSERTED}, "pg_migrate_on_verify_failure": "hold"}
    source = write_set(ansible.home / "set", FILES)
    shrinks = {"pg_migrate_verification": {"assertions": ASSERTED, "expectations": {"orders": "may_shrink"}}}
    hosts = {
        "one": {**database.variables(backup_root, source), **after},
        "two": {**second.variables(backup_root, source), **after, **shrinks},
    }
    options = ("-e", json.dumps({"pg_migrate_serial": 1, "pg_migrate_confirm": [database.name, second.name]}))
    held = ansible.play(hosts, *options)
    assert held.status == 2, held.output
    assert held.verdict("one") == "HELD: migrated, not verified, and closed until a person decides", held.output
    assert held.verdict("two") == "not reached: nothing was changed"
    assert second.fingerprint() == before
    assert not database.exists()
    again = ansible.play(hosts, *options)
    assert again.verdict("one") == "refused: nothing was changed"
    assert "a person must decide" in again.flat
    found = re.search(r"pgsafe\.migration\.recover -e pg_migrate_run_id=(\w+) -e", held.flat)
    assert found is not None, held.output
    decided = {"pg_migrate_decision": "accept", "pg_migrate_reason": "they were tests"}
    accepting = json.dumps({"pg_migrate_run_id": found.group(1), **decided})
    accepted = ansible.play({"one": hosts["one"]}, "-e", accepting, playbook="pgsafe.migration.recover")
    assert accepted.status == 0, accepted.output
    assert f"[✓] Finished: the run {found.group(1)}, whose verdict was migrated: they were tests" in accepted.flat
    done = ansible.play(hosts, *options)
    assert done.status == 0, done.output
    assert done.verdict("one") == "unchanged: the set was applied before"
    assert done.verdict("two") == "migrated and verified"
    assert ours(database.server, database.name) == set()


def test_to_hold_without_a_fence_is_refused_before_a_backup_is_taken(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    variables = database.variables(backup_root, write_set(ansible.home / "set", FILES))
    open_hold = {"pg_migrate_fence": "none", "pg_migrate_waive": {"fence": "x"}, "pg_migrate_on_verify_failure": "hold"}
    played = ansible.play({"one": {**variables, **open_hold}}, "-e", f"pg_migrate_confirm={database.name}")
    assert played.verdict("one") == "refused: nothing was changed"
    assert "Choose another pg_migrate_fence than none." in played.flat
    assert everything(backup_root) == []


def test_a_database_is_compared_with_its_backup_by_hand(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    taken = back_up(database, backup_root)
    database.sql(FILES["1.sql"])
    connection = {
        "login_db": database.name,
        "login_user": "postgres",
        "login_unix_socket": str(database.server.socket_dir),
        "login_port": database.server.port,
    }
    asked = {**connection, "backup_dir": str(taken.directory), "assertions": ASSERTED}
    written = everything(backup_root)
    failed = ansible.adhoc({}, "pgsafe.migration.pg_migration_verify", asked)
    assert failed.status == 2, failed.output
    assert "The table public.orders has lost 10 of its 500 rows, which was not declared." in failed.flat
    assert "Nothing was changed." in failed.flat
    declared = {**asked, "expectations": {"orders": {"may_shrink_to": 490}}}
    passed = ansible.adhoc({}, "pgsafe.migration.pg_migration_verify", declared)
    assert passed.status == 0, passed.output
    assert "Verdict  PASSED" in passed.output
    assert everything(backup_root) == written
