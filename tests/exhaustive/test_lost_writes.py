# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients write until a migration behind the fence ``closed`` ends their sessions: its rollback loses no more than it
says."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.tests.server.clients import TABLE, Client, busy
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    Database,
    fenced,
    request,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_fence_clients import lost_by


def committed(clients: list[Client]) -> int:
    return sum(len(client.committed) for client in clients)


def wait_for_rows(clients: list[Client], more: int) -> None:
    """All of them together have written so many rows since now."""
    before = committed(clients)
    until(lambda: committed(clients) >= before + more, "the clients write")


@pytest.mark.every_server
def test_a_rollback_loses_no_more_rows_than_it_says(
    database: Database, tmp_path: Path, seed: int, cases: int, figure: Callable[[str], None]
) -> None:
    database.sql(TABLE)
    source = write_set(tmp_path / "set", BROKEN)
    drawn = random.Random(seed)  # noqa: S311  # cases of a test, no secrets
    for case in range(max(1, cases // 25)):
        root = tmp_path / f"backups{case}"
        root.mkdir(mode=0o700)
        with busy(database, drawn.randint(1, 30)) as clients:
            taken = fenced(database, root, fence.CLOSED)
            wait_for_rows(clients, drawn.randint(1, 500))
            with pytest.raises(migrate.MigrationFailed) as caught:
                migrate.run(request(database, taken, source))
        said, restored = caught.value.outcome.writes_since_backup, caught.value.outcome.rollback
        assert said is not None
        assert restored is not None
        lost = lost_by(restored, database, taken.manifest.fingerprint.tables["public.acknowledged"].rows)
        figure(f"PostgreSQL {database.server.installation.major}: {lost} rows lost, at most {said} said")
        assert said >= lost
        # So that numbers of clients are not taken twice.
        database.sql("TRUNCATE acknowledged")
        database.admin(f"DROP DATABASE {restored.kept} WITH (FORCE)")
