# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long clients wait for locks of a backup before pg_dump has its own: measured by the clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    by_archive,
    differences,
    in_progress,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, until

TABLES = 300
CROWD = "".join(f"CREATE TABLE crowd_{number} (a int);" for number in range(TABLES))
DUMP_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^LOCK TABLE'"


@contextmanager
def truncating(database: Database) -> Iterator[list[float]]:
    """A client that truncates a table of its own in a loop; the seconds that each took, until the block ends."""
    over, waits = threading.Event(), list[float]()

    def work() -> None:
        connection = database.connect("truncater")
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not over.is_set():
                started = time.monotonic()
                cursor.execute("TRUNCATE crowd_0")
                waits.append(time.monotonic() - started)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


@pytest.mark.every_major
def test_no_client_waits_for_a_second_while_the_backup_waits_for_another_one(
    database: Database, backup_root: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """pg_dump has locked the client's table and waits for the holder's: it does not keep both for long."""
    database.sql(CROWD)
    with in_progress(request(database, backup_root), tmp_path / "tools") as taking:
        with database.holding("LOCK TABLE crowd_9"), truncating(database) as waits:
            until(lambda: len(waits) > 5, "the client truncates")
            taking.waiting.go()
            until(lambda: database.sql(DUMP_WAITS) != "0", "pg_dump waits")
            until(lambda: database.sql(DUMP_WAITS) == "0", "pg_dump gives its request up")
            before = len(waits)
            until(lambda: len(waits) > before + 5, "the client truncates on")
        taken = taking.finish()
    longest = f"{max(waits):.2f} s"
    figure(f"PostgreSQL {database.server.installation.major}: the client waited for {longest} at most")
    assert max(waits) < 1
    assert differences(taken.manifest, by_archive(database, taken)) == ()
