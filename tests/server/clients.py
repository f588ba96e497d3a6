# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that read and write in a loop, reconnect whatever happens, and keep a journal of what was acknowledged.

Each writes one kind of thing: rows with a key, rows without one, by COPY, numbered by a sequence, moved between
partitions, in a table that is truncated, or large objects.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2
import psycopg2.extensions
from ansible_collections.pgsafe.migration.tests.server.support import Database, until

TABLES = """
CREATE TABLE keyed (client integer, number bigint, PRIMARY KEY (client, number));
CREATE TABLE keyless (client integer, number bigint, older boolean DEFAULT false);
CREATE TABLE copied (client integer, number bigint);
CREATE TABLE counted (value bigserial PRIMARY KEY, client integer, number bigint, older boolean DEFAULT false);
CREATE TABLE moved (client integer, number bigint, older boolean DEFAULT false, PRIMARY KEY (client, number, older))
    PARTITION BY LIST (older);
CREATE TABLE moved_newest PARTITION OF moved FOR VALUES IN (false);
CREATE TABLE moved_older PARTITION OF moved FOR VALUES IN (true);
CREATE TABLE emptied (client integer, number bigint);
CREATE TABLE emptied_before (client integer, number bigint);
CREATE TABLE stored (client integer, number bigint, object oid, PRIMARY KEY (client, number));
"""

_INSERT = "INSERT INTO {} (client, number) VALUES (%(client)s, %(number)s);"
_THERE = "SELECT number FROM {} WHERE client = %(client)s"
_COPIED_ROWS = 3
# A backup begins again when a table was truncated between its snapshot and its locks.
_SELDOM_SECONDS = 10.0
# A row is whole when the UPDATE of the next transaction is there, too.
_MARK = "UPDATE {} SET older = true WHERE client = %(client)s AND number < %(number)s AND NOT older"
_MARKED = """
SELECT number FROM (SELECT *, number = max(number) OVER () AS newest FROM {} WHERE client = %(client)s) AS n
 WHERE older <> newest
"""


@dataclass(frozen=True)
class Kind:
    """How a client writes a number: a transaction each.

    :param write: SQL, or a COPY of some equal rows.
    :param there: the numbers of a client that are in the database, each whole.
    :param seldom: SQL in place of it every few seconds.
    """

    write: str
    there: str
    seldom: str = ""

    def put(self, cursor: psycopg2.extensions.cursor, client: int, number: int, seldom: bool) -> None:
        if self.write.startswith("COPY"):
            cursor.copy_expert(self.write, io.StringIO(f"{client}\t{number}\n" * _COPIED_ROWS))
            return
        text = self.seldom if seldom else ""
        cursor.execute(text or self.write, {"client": client, "number": number})


KEYED = Kind(_INSERT.format("keyed"), _THERE.format("keyed"))
KEYLESS = Kind((_INSERT + _MARK).format("keyless", "keyless"), _MARKED.format("keyless"))
MOVED = Kind((_INSERT + _MARK).format("moved", "moved"), _MARKED.format("moved"))
COPIED_ROWS = Kind("COPY copied FROM STDIN", f"{_THERE.format('copied')} GROUP BY 1 HAVING count(*) = {_COPIED_ROWS}")
COUNTED = Kind(
    (_INSERT + _MARK).format("counted", "counted"),
    f"{_MARKED.format('counted')} AND value <= (SELECT last_value FROM counted_value_seq)",
)
EMPTIED = Kind(
    _INSERT.format("emptied"),
    "SELECT number FROM (TABLE emptied UNION ALL TABLE emptied_before) AS n WHERE client = %(client)s "
    "GROUP BY 1 HAVING count(*) = 1",
    "LOCK TABLE emptied; INSERT INTO emptied_before TABLE emptied; TRUNCATE emptied;" + _INSERT.format("emptied"),
)
OBJECTS = Kind(
    "INSERT INTO stored VALUES (%(client)s, %(number)s, lo_from_bytea(0, convert_to('%(number)s', 'UTF8')))",
    f"{_THERE.format('stored')} AND EXISTS (SELECT FROM pg_largeobject WHERE loid = object "
    "AND data = convert_to(number::text, 'UTF8'))",
)
FOLLOWED_KINDS = (KEYED, KEYLESS, MOVED, COPIED_ROWS, COUNTED, EMPTIED)
"""What a copy can follow."""
KINDS = (*FOLLOWED_KINDS, OBJECTS)

_SEEN = "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders)"
# A client would see these where its replica identity, or a sequence, were not what they must be.
_NEVER = ("replica identity", "duplicate key")


@dataclass
class Client:
    """:param pause: seconds between two transactions.
    :param committed: numbers whose COMMIT the server acknowledged.
    :param in_doubt: numbers whose COMMIT was lost on the way: in the database or not, both are right.
    :param seen: every answer that its reading got, with the time of the clock.
    :param refusals: what it was told instead.
    """

    number: int
    kind: Kind
    pause: float
    committed: set[int] = field(default_factory=set)
    in_doubt: set[int] = field(default_factory=set)
    seen: list[tuple[float, tuple[int, int]]] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    refusals: set[str] = field(default_factory=set)
    seldom_since: float = 0.0

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
                over.wait(self.pause)

    def _write(self, cursor: psycopg2.extensions.cursor, number: int) -> None:
        self.in_doubt.add(number)
        try:
            self.kind.put(cursor, self.number, number, self._is_seldom())
        except psycopg2.errors.ReadOnlySqlTransaction as error:
            # Refused before it was done, so there is no doubt; it goes on reading.
            self.in_doubt.discard(number)
            self.refusals.add(str(error).strip())
            return
        self.in_doubt.discard(number)
        self.committed.add(number)
        self.written.append(time.monotonic())

    def _is_seldom(self) -> bool:
        if time.monotonic() - self.seldom_since < _SELDOM_SECONDS:
            return False
        self.seldom_since = time.monotonic()
        return True


@contextmanager
def busy(
    database: Database, count: int, kinds: Sequence[Kind] = (KEYED,), pause: float = 0.005
) -> Iterator[list[Client]]:
    """So many clients at work for the time of the block, of each kind in turn."""
    over = threading.Event()
    clients = [Client(number, kinds[number % len(kinds)], pause) for number in range(count)]
    threads = [threading.Thread(target=client.work, args=(database, over)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        over.set()
        for thread in threads:
            thread.join()


def wait_for_writes(clients: Sequence[Client]) -> None:
    """Every client has written since now."""
    before = [len(client.committed) for client in clients]
    until(lambda: all(len(c.committed) > n for c, n in zip(clients, before)), "every client writes")


def wait_for_truncations(clients: Sequence[Client]) -> None:
    """Every client that now and then truncates its table has done so since now."""
    truncating = [client for client in clients if client.kind.seldom]
    for client in truncating:
        client.seldom_since = 0.0
    until(lambda: all(client.seldom_since for client in truncating), "the tables are truncated")
    wait_for_writes(truncating)


def committed(clients: Sequence[Client]) -> int:
    return sum(len(client.committed) for client in clients)


def wait_for_commits(clients: Sequence[Client], count: int) -> None:
    """All of them together have written so many times, since they began."""
    until(lambda: committed(clients) >= count, f"{count} commits are acknowledged")


def lost(database: Database, clients: Sequence[Client], acknowledged: Sequence[set[int]]) -> list[tuple[int, int]]:
    """What is not in a database of what was acknowledged: clients and numbers.

    :param acknowledged: by client.
    """
    missing: list[tuple[int, int]] = []
    with database.connect() as connection, connection.cursor() as cursor:
        for client, wanted in zip(clients, acknowledged):
            cursor.execute(client.kind.there, {"client": client.number})
            there = {number for (number,) in cursor.fetchall()}
            assert there <= client.committed | client.in_doubt, client.kind
            assert not any(text in refusal for text in _NEVER for refusal in client.refusals), client.refusals
            missing += [(client.number, number) for number in sorted(wanted - there)]
    connection.close()
    return missing


def require_nothing_lost(database: Database, clients: Sequence[Client]) -> None:
    """What was acknowledged is there, and what is there was sent."""
    assert lost(database, clients, [client.committed for client in clients]) == []


def longest_gap(moments: list[float]) -> float:
    """The longest time, in seconds, between one and the next."""
    ordered = sorted(moments)
    return max((later - earlier for earlier, later in zip(ordered, ordered[1:])), default=0.0)
