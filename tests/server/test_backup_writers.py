# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup under load: others go on writing, and all three formats hold one and the same moment."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server.backup_support import (
    BULK,
    by_archive,
    by_csv,
    by_script,
    connection,
    csv_differences,
    differences,
    in_progress,
    request,
)
from ansible_collections.pgsafe.migration.tests.server.support import Database, until

ACCOUNTS, BALANCE, WRITERS = 200, 1000, 4
SCHEMA = f"""
CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE transfers (id bigserial PRIMARY KEY, source int NOT NULL REFERENCES accounts,
    target int NOT NULL REFERENCES accounts, amount int NOT NULL);
CREATE TABLE history (at timestamptz DEFAULT clock_timestamp(), transfer bigint) PARTITION BY HASH (transfer);
CREATE TABLE history_0 PARTITION OF history FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE history_1 PARTITION OF history FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO accounts SELECT i, {BALANCE} FROM generate_series(1, {ACCOUNTS}) AS i;
"""

TRANSFER = """
WITH moved AS (INSERT INTO transfers (source, target, amount) VALUES (%(source)s, %(target)s, %(amount)s) RETURNING id)
INSERT INTO history (transfer) SELECT id FROM moved;
UPDATE accounts SET balance = balance - %(amount)s WHERE id = %(source)s;
UPDATE accounts SET balance = balance + %(amount)s WHERE id = %(target)s;
"""

# What no moment between two transactions can break, across all of the tables.
BROKEN = f"""
SELECT count(*) FROM accounts a WHERE balance <> {BALANCE}
    + COALESCE((SELECT sum(amount) FROM transfers WHERE target = a.id), 0)
    - COALESCE((SELECT sum(amount) FROM transfers WHERE source = a.id), 0);
SELECT sum(balance) - {ACCOUNTS * BALANCE} FROM accounts;
SELECT (SELECT count(*) FROM transfers) - (SELECT count(*) FROM history);
"""


class Writer(threading.Thread):
    """Moves money between accounts, a transaction a time, until it is told to stop."""

    def __init__(self, database: Database, seed: int, over: threading.Event) -> None:
        super().__init__()
        self._connection = connection(database)
        self._random = random.Random(seed)  # noqa: S311 - nobody has to guess it
        self._over = over
        self.committed = 0

    def run(self) -> None:
        while not self._over.is_set():
            # in the order of their numbers, or two of them would wait for each other
            source, target = sorted(self._random.sample(range(1, ACCOUNTS + 1), 2))
            amount = self._random.randint(-50, 50)
            with self._connection, self._connection.cursor() as cursor:
                cursor.execute(TRANSFER, {"source": source, "target": target, "amount": amount})
            self.committed += 1
        self._connection.close()


@contextmanager
def writing(database: Database) -> Iterator[list[Writer]]:
    over = threading.Event()
    writers = [Writer(database, seed, over) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        over.set()
        for writer in writers:
            writer.join()


def each_writes_on(writers: list[Writer]) -> None:
    """Every writer has committed something more."""
    before = [writer.committed for writer in writers]
    until(lambda: all(now.committed > old + 5 for now, old in zip(writers, before)), "everybody has written")


@pytest.mark.every_major
def test_all_formats_hold_one_moment_while_others_write(database: Database, backup_root: Path, tmp_path: Path) -> None:
    database.sql(SCHEMA + BULK)
    with writing(database) as writers:
        each_writes_on(writers)
        with in_progress(request(database, backup_root), tmp_path / "tools", "midway") as taking:
            each_writes_on(writers)
            taken = taking.finish()
        each_writes_on(writers)
    moment = taken.manifest.fingerprint
    assert 0 < moment.rows["public.transfers"] < int(database.sql("SELECT count(*) FROM transfers"))
    assert database.sql(BROKEN) == "0\n0\n0"
    for copy in (by_archive(database, taken), by_script(database, taken)):
        assert copy.sql(BROKEN) == "0\n0\n0"
        assert differences(taken.manifest, copy) == ()
    loaded = by_csv(database, taken)
    assert loaded.sql(BROKEN) == "0\n0\n0"
    assert csv_differences(taken.manifest, loaded) == ()
