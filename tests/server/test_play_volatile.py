# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays in which a client truncates a table all the time, while others write."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.tests.server.backup_support import BULK
from ansible_collections.pgsafe.migration.tests.server.clients import (
    TABLES,
    busy,
    require_nothing_lost,
    wait_for_writes,
)
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import BROKEN, Database, write_set

QUEUE = "CREATE TABLE queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, batch int);"
# One transaction, so that another session sees the rows of one batch, whole.
ROUND = "TRUNCATE queue RESTART IDENTITY; INSERT INTO queue (batch) SELECT {batch} FROM generate_series(1, 50)"


@dataclass
class Truncating:
    """:param acknowledged: the last batch whose COMMIT the server acknowledged.
    :param tried: the last one that was sent.
    :param waits: seconds that each took.
    """

    acknowledged: int = 0
    tried: int = 0
    waits: list[float] = field(default_factory=list)

    def work(self, database: Database, over: threading.Event) -> None:
        while not over.wait(2):
            try:
                connection = database.connect("truncates")
            except psycopg2.OperationalError:
                continue
            try:
                self._round(connection)
            except psycopg2.Error:
                continue
            finally:
                connection.close()

    def _round(self, connection: psycopg2.extensions.connection) -> None:
        self.tried += 1
        started = time.monotonic()
        with connection, connection.cursor() as cursor:
            cursor.execute(ROUND.format(batch=self.tried))
        self.acknowledged = self.tried
        self.waits.append(time.monotonic() - started)


@contextmanager
def truncating(database: Database) -> Iterator[Truncating]:
    """A client that empties and fills the queue for the time of the block."""
    over, client = threading.Event(), Truncating()
    thread = threading.Thread(target=client.work, args=(database, over))
    thread.start()
    try:
        yield client
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("fence", [COPIED, FOLLOWED])
def test_a_queue_is_truncated_all_the_time_and_a_rollback_loses_none_of_it(
    ansible: Ansible, database: Database, backup_root: Path, fence: str
) -> None:
    database.sql(TABLES + QUEUE + BULK)
    variables = database.variables(backup_root, write_set(ansible.home / "set", BROKEN))
    chosen = {"pg_migrate_fence": fence, "pg_migrate_backup": {"volatile_tables": ["queue"]}}
    with busy(database, 2) as clients, truncating(database) as client:
        wait_for_writes(clients)
        played = ansible.play({"one": {**variables, **chosen}}, "-e", f"pg_migrate_confirm={database.name}")
        wait_for_writes(clients)
    print(f"{fence}: {len(client.waits)} batches, longest wait {max(client.waits):.3f} s")
    assert played.verdict("one").startswith("rolled back"), played.output
    require_nothing_lost(database, clients)
    batch, rows = map(int, database.sql("SELECT min(batch), count(*) FROM queue").split("|"))
    assert client.acknowledged <= batch <= client.tried
    assert rows == 50
    log = next((backup_root / database.name).glob("*/migration_*.log")).read_text()
    assert "Read first, and not locked after that: public.queue" in log
