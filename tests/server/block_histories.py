# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can happen to the blocks of a database: random statements of every kind, and the fingerprint of before and after
by whole tables and by blocks."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg2
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import block_sums, blocks, fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.contents import Contents
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.reading_modes import Chosen
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COUNTS, SOURCE, Fingerprint, TableState
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import ONE_SNAPSHOT, Session, session
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import changed_blocks, cutover
from ansible_collections.pgsafe.migration.tests.server.support import Database

INSPECTOR = "blocks_inspector"

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE keyed (id int PRIMARY KEY, n int, t text, m mood DEFAULT 'sad') WITH (fillfactor = 70);
INSERT INTO keyed SELECT i, i, repeat('x', i % 90), CASE i % 9 WHEN 0 THEN 'glad'::mood ELSE 'sad' END
  FROM generate_series(1, 3000) AS i;
CREATE INDEX keyed_n ON keyed (n);
CREATE TABLE wide (id int PRIMARY KEY, body text, n int DEFAULT 0);
ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
INSERT INTO wide SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 60) AS i;
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless SELECT i % 50, 'x' || i % 5 FROM generate_series(1, 2000) AS i;
CREATE TABLE parts (id int, k int, t text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts SELECT i, i % 3, 'p' || i FROM generate_series(1, 1500) AS i;
CREATE UNLOGGED TABLE cache (k int, v text);
INSERT INTO cache SELECT i, 'c' || i FROM generate_series(1, 300) AS i;
CREATE TABLE named (relation regclass, pair keyless);
INSERT INTO named VALUES ('keyed', (1, 'one')), ('wide', (2, 'two'));
CREATE TABLE queue (id int);
CREATE TABLE nothing ();
INSERT INTO nothing SELECT FROM generate_series(1, 500);
CREATE TABLE nulls (a int, b int, c text);
INSERT INTO nulls SELECT FROM generate_series(1, 2000);
SELECT lo_from_bytea(700000 + i, decode(repeat(md5(i::text), 100), 'hex')) FROM generate_series(1, 5) AS i;
VACUUM ANALYZE;
"""

# {i}: a row of a table; {j}: another one; {k}: a partition; {new}: a number that was never used; {few}: a small number.
OPERATIONS = (
    "INSERT INTO keyed SELECT i, i, 'new' FROM generate_series({new}, {new} + {few}) AS i",
    "INSERT INTO keyless SELECT i, 'new' FROM generate_series(1, {few}) AS i",
    "INSERT INTO nulls SELECT FROM generate_series(1, {few})",
    "INSERT INTO nothing DEFAULT VALUES",
    "UPDATE keyed SET n = n + 1 WHERE id = {i}",
    "UPDATE keyed SET t = t || 'h' WHERE id BETWEEN {i} AND {i} + {few}",
    "UPDATE keyed SET m = 'glad' WHERE id % 500 = {few}",
    "UPDATE keyed SET n = -n",
    "UPDATE keyless SET b = 'u' WHERE a = {few}",
    "UPDATE wide SET n = n + 1 WHERE id = {few}",
    "UPDATE wide SET body = body || 'more' WHERE id = {few}",
    "UPDATE wide SET body = repeat(md5('{new}'), 300) WHERE id BETWEEN {few} AND {few} + 5",
    "UPDATE parts SET k = {k} WHERE id BETWEEN {i} AND {i} + {few}",
    "UPDATE cache SET v = v || '!' WHERE k = {few}",
    "DELETE FROM keyed WHERE id BETWEEN {i} AND {j}",
    "DELETE FROM keyless WHERE a = {few}",
    "DELETE FROM parts WHERE id % 100 = {few}",
    "DELETE FROM wide WHERE id = {few}",
    "DELETE FROM keyed WHERE id > {i}; VACUUM keyed",
    "DELETE FROM nulls; VACUUM (FREEZE) nulls",
    "VACUUM",
    "VACUUM (FREEZE) keyed",
    "VACUUM FULL keyed",
    "VACUUM FULL parts_0",
    "VACUUM FULL pg_largeobject",
    "CLUSTER keyed USING keyed_n",
    "TRUNCATE queue; INSERT INTO queue (id) VALUES ({few})",
    "TRUNCATE parts_1",
    "BEGIN; TRUNCATE keyless; INSERT INTO keyless VALUES (1, 'gone'); ROLLBACK",
    "BEGIN; TRUNCATE queue; COPY queue (id) FROM PROGRAM 'seq {few}' WITH (FREEZE); COMMIT",
    "COPY queue (id) FROM PROGRAM 'seq {few}'",
    "BEGIN; DELETE FROM keyed; UPDATE keyless SET a = 0; SELECT lo_unlink(700001); ROLLBACK",
    "BEGIN; SAVEPOINT s; UPDATE keyed SET n = 0 WHERE id = {i}; ROLLBACK TO s; UPDATE keyed SET n = 1 WHERE id = {j};"
    " SAVEPOINT t; DELETE FROM keyed WHERE id = {few}; RELEASE t; COMMIT",
    "BEGIN; UPDATE keyed SET n = 7 WHERE id = {i}; PREPARE TRANSACTION 'p{new}'; COMMIT PREPARED 'p{new}'",
    "SELECT * FROM keyed WHERE id = {i} FOR UPDATE",
    "SELECT count(*) FROM keyed",
    "SELECT lo_put(700002, {few}, 'other')",
    "SELECT lo_create({new} + 800000)",
    "SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid = 700003",
    "ALTER TABLE parts DETACH PARTITION parts_2",
    "ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2)",
    "CREATE TABLE parts_{new} PARTITION OF parts FOR VALUES IN ({new}); INSERT INTO parts VALUES (1, {new}, 'x')",
    "CREATE TABLE made_{new} AS SELECT i FROM generate_series(1, {few}) AS i",
    "ALTER TABLE queue ADD COLUMN c{new} text DEFAULT 'd'",
    "ALTER TABLE keyless DROP COLUMN IF EXISTS c; ALTER TABLE keyless ADD COLUMN c int DEFAULT {few}",
    "ALTER TABLE keyless RENAME TO keyless_{new}; ALTER TABLE keyless_{new} RENAME TO keyless",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'; ALTER TYPE mood RENAME VALUE 'low' TO 'sad'",
    "ALTER TABLE wide RENAME TO wider",
    "ALTER TABLE wider RENAME TO wide",
    "ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'",
    "ALTER TYPE mood RENAME VALUE 'merry' TO 'glad'",
    "ALTER TABLE keyed SET TABLESPACE pg_default",
    "ALTER TABLE cache SET LOGGED",
    "ALTER TABLE cache SET UNLOGGED",
    "REINDEX TABLE keyed",
    "ANALYZE",
    "CHECKPOINT",
)


@dataclass(frozen=True)
class Recorded:
    """What was known of a database at a mark.

    :param seconds: for the whole fingerprint, and for the contents by block.
    """

    fingerprint: Fingerprint
    mark: changed_blocks.Mark
    path: Path
    seconds: tuple[float, float]


def prepared(database: Database) -> None:
    """The schema, and a database for the extension."""
    database.sql(SCHEMA)
    database.admin(f"CREATE DATABASE {INSPECTOR}")
    with session(database.target.database(INSPECTOR), cutover.DURABLE) as inspector:
        changed_blocks.prepare(inspector)


def restored_schema(database: Database) -> None:
    """After many histories little would be left that could still be changed."""
    database.sql("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
    database.sql(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {SCHEMA}")


def marked(database: Database, slot: str) -> changed_blocks.Mark:
    with session(database.target.maintenance, cutover.DURABLE) as server:
        changed_blocks.drop(server, slot)
        return changed_blocks.keep(server, slot)


def recorded(database: Database, slot: str, path: Path) -> Recorded:
    """By whole tables and by blocks in one snapshot, which must be the same."""
    mark = marked(database, slot)
    with session(database.target) as reader, reader.transaction(ONE_SNAPSHOT):
        assert changed_blocks.settled(reader, mark)
        started = time.monotonic()
        whole = fingerprint.take(reader, SOURCE)
        taken = time.monotonic()
        with files.atomic(path) as sink:
            recorder = blocks.BlockRecorder(reader, block_sums.Writer(sink), "0/0")
            contents = Contents(reader, Chosen(), recorder)
            for work in contents.work():
                work.run(reader)
            recorder.finish()
    assert contents.tables == whole.tables
    return Recorded(whole, mark, path, (taken - started, time.monotonic() - taken))


def like(found: Fingerprint, before: Fingerprint) -> Fingerprint:
    """As a comparison with an earlier fingerprint reads it: of tables that were not there the rows are counted."""
    new = {label: TableState(state.rows, "", COUNTS) for label, state in found.tables.items()}
    return replace(found, tables={**new, **{label: found.tables[label] for label in new if label in before.tables}})


def refreshed(database: Database, before: Recorded) -> tuple[Fingerprint, blocks.Refreshed]:
    """By the blocks that were changed since."""
    oid = int(database.admin(f"SELECT oid FROM pg_database WHERE datname = '{database.name}'"))
    found: list[blocks.Refreshed] = []

    def contents(holder: Session) -> blocks.Refreshed:
        # A commit of ours, so that what was written before is flushed.
        database.admin("SELECT pg_logical_emit_message(true, 'pgsafe', '')")
        with session(database.target.database(INSPECTOR), cutover.DURABLE) as inspector:
            asked = partial(changed_blocks.since, inspector, before.mark, oid)
            found.append(blocks.Refreshed(holder, before.fingerprint, sums, asked))
        return found[0]

    with block_sums.opened(before.path) as sums:
        now = fingerprint.by_contents(database.target, 1, SOURCE, "test", contents)
    return now, found[0]


def drawn(chance: random.Random, most: int) -> list[str]:
    return [_filled(chance.choice(OPERATIONS), chance) for _number in range(chance.randint(0, most))]


def _filled(operation: str, chance: random.Random) -> str:
    low, high = sorted((chance.randint(1, 3000), chance.randint(1, 3000)))
    numbers = {"i": low, "j": min(high, low + 300), "k": chance.randint(0, 2), "few": chance.randint(1, 60)}
    return operation.format(**numbers, new=chance.randint(10_000, 2_000_000_000))


def happen(database: Database, history: list[str]) -> None:
    """One session; what is not possible any more, such as to attach what is attached, does nothing."""
    connection = database.connect()
    connection.autocommit = True
    for statements in history:
        for statement in statements.split("; "):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
            except psycopg2.Error:
                with connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")
                break
    connection.close()


def crash(database: Database) -> None:
    database.server.stop("immediate")
    database.server.start()
