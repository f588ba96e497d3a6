# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole runs over a database that shadows the catalogs, with all that a guard does beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server import hostile
from ansible_collections.pgsafe.migration.tests.server.hostile import Hostile
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import Database, write_set

import pgserver


@pytest.fixture
def trapped(server: pgserver.Server, clone: Callable[[str], Database]) -> Iterator[Hostile]:
    yield from hostile.untouched(server, clone)


def test_plays_over_a_shadowed_database_end_as_over_any_other(
    ansible: Ansible, trapped: Hostile, backup_root: Path
) -> None:
    given = trapped.database.variables(backup_root, backup_root.parent / "set")
    hosts = {"one": {**given, "pg_migrate_confirm": trapped.database.name}}
    source = write_set(backup_root.parent / "set", {"1.sql": "ALTER TABLE shops ADD COLUMN grade integer DEFAULT 1;"})
    foreseen = ansible.play(hosts, "--check")
    assert "pending" in foreseen.verdict("one"), foreseen.output
    good = ansible.play(hosts)
    assert good.verdict("one") == "migrated and verified", good.output
    write_set(source, {"2.sql": "-- pgsafe: no-transaction\nTRUNCATE orders;\nSELECT nothing;"})
    failed = ansible.play(hosts)
    assert failed.verdict("one") == "rolled back: the database is as it was before", failed.output
    assert ansible.play(hosts, playbook="pgsafe.migration.recover").status == 0
    shown = ansible.play(hosts, playbook="pgsafe.migration.status")
    assert (shown.status, "ended (rolled_back" in shown.flat) == (0, True), shown.output
