# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that read and write in a loop, reconnect whatever happens, and keep a journal of what was acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2
from ansible_collections.pgsafe.migration.tests.server.support import Database

TABLE = "CREATE TABLE acknowledged (client integer, number bigint, PRIMARY KEY (client, number))"
_SEEN = "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders)"


@dataclass
class Client:
    """:param committed: numbers whose COMMIT the server acknowledged.
    :param in_doubt: numbers whose COMMIT was lost on the way: in the database or not, both are right.
    :param seen: every answer that its reading got, with the time of the clock.
    :param refusals: what it was told instead.
    """

    number: int
    committed: set[int] = field(default_factory=set)
    in_doubt: set[int] = field(default_factory=set)
    seen: list[tuple[float, tuple[int, int]]] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    refusals: set[str] = field(default_factory=set)

    def work(self, database: Database, over: threading.Event) -> None:
        numbers = iter(range(1, 1 << 60))
        while not over.is_set():
            try:
                connection = database.connect(f"client {self.number}")
            except psycopg2.OperationalError as error:
                self.refusals.add(str(error).strip().splitlines()[-1])
                over.wait(0.01)
                continue
            try:
                self._serve(connection, numbers, over)
            except psycopg2.Error as error:
                self.refusals.add(str(error).strip().splitlines()[0])
            finally:
                connection.close()

    def _serve(self, connection: psycopg2.extensions.connection, numbers: Iterator[int], over: threading.Event) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not over.is_set():
                cursor.execute(_SEEN)
                customers, orders = cursor.fetchall()[0]
                self.seen.append((time.monotonic(), (customers, orders)))
                self._write(cursor, next(numbers))
                over.wait(0.005)

    def _write(self, cursor: psycopg2.extensions.cursor, number: int) -> None:
        self.in_doubt.add(number)
        try:
            cursor.execute("INSERT INTO acknowledged VALUES (%s, %s)", (self.number, number))
        except psycopg2.errors.ReadOnlySqlTransaction as error:
            # Refused before it was done, so there is no doubt; it goes on reading.
            self.in_doubt.discard(number)
            self.refusals.add(str(error).strip())
            return
        self.in_doubt.discard(number)
        self.committed.add(number)
        self.written.append(time.monotonic())


@contextmanager
def busy(database: Database, count: int) -> Iterator[list[Client]]:
    """So many clients at work for the time of the block."""
    over, clients = threading.Event(), [Client(number) for number in range(count)]
    threads = [threading.Thread(target=client.work, args=(database, over)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        over.set()
        for thread in threads:
            thread.join()


def longest_gap(moments: list[float]) -> float:
    """The longest time, in seconds, between one and the next."""
    ordered = sorted(moments)
    return max((later - earlier for earlier, later in zip(ordered, ordered[1:])), default=0.0)
