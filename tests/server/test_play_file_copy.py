# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays in which clients write until the migration: what they say, and that they lose no write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import FOLLOWED
from ansible_collections.pgsafe.migration.tests.server.clients import (
    TABLES,
    busy,
    require_nothing_lost,
    wait_for_writes,
)
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import BROKEN, Database, ours, write_set

# make test has a shorter one of each: test_play_volatile.py.
pytestmark = pytest.mark.long


def test_clients_write_until_the_migration_and_a_rollback_loses_none_of_it(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    database.sql(TABLES)
    variables = database.variables(backup_root, write_set(ansible.home / "set", BROKEN))
    chosen = {"pg_migrate_fence": "auto", "pg_migrate_thresholds": {"copying": 60}}
    with busy(database, 2) as clients:
        wait_for_writes(clients)
        played = ansible.play({"one": {**variables, **chosen}}, "-e", f"pg_migrate_confirm={database.name}")
        wait_for_writes(clients)
    assert played.verdict("one").startswith("rolled back"), played.output
    require_nothing_lost(database, clients)
    assert not any("read-only" in refusal for client in clients for refusal in client.refusals)
    assert f"Clients write until {database.name} is closed for the migration" in played.flat
    assert "Database restored from backup (the copy of its files" in played.flat
    assert re.search(r"Fence closed\+copied: [0-9.]+ s without service \[info\] Predicted part: ", played.flat)
    assert len(ours(database.server, database.name)) == 1


def test_clients_write_until_the_copy_that_follows_them_is_proven_equal(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    database.sql(TABLES)
    variables = database.variables(backup_root, write_set(ansible.home / "set", BROKEN))
    chosen = {"pg_migrate_fence": FOLLOWED}
    with busy(database, 2) as clients:
        wait_for_writes(clients)
        played = ansible.play({"one": {**variables, **chosen}}, "-e", f"pg_migrate_confirm={database.name}")
        wait_for_writes(clients)
    assert played.verdict("one").startswith("rolled back"), played.output
    require_nothing_lost(database, clients)
    assert "the verified copy follows the database from here on" in played.flat
    assert f"Fence {FOLLOWED}: " in played.flat
    assert database.sql("SELECT pubname FROM pg_publication") == ""
    assert len(ours(database.server, database.name)) == 1
