# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keeps a verified copy from following its database by logical replication, as far as catalogs can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..compare.reading_modes import ASSUMED_BYTES_PER_SECOND
from ..errors import PgsafeError
from ..ports.database import Session, session
from ..postgres import changed_blocks, logical
from ..text import duration, first_few, size
from .checks.check import Obstacle, ServerFacts

# What is carried over while the database is read-only.
_MOST_UNLOGGED_BYTES = 64 << 20

# A row that is updated in a table without a key is searched for in all of it: seconds of that in a second.
_MOST_SEARCHING = 0.25
_SEARCHED_BYTES_A_SECOND = 1e9

_SERVER = """
SELECT current_setting('wal_level'),
       (SELECT NULLIF(setting, '0') || COALESCE(unit, '') FROM pg_settings
         WHERE name = 'idle_replication_slot_timeout'),
       current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
       current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication),
       LEAST(current_setting('max_logical_replication_workers')::int, current_setting('max_worker_processes')::int)
           - (SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL)
"""

_TRIGGERS = """
SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.tgenabled IN ('A', 'R') ORDER BY 1
"""

_UNLOGGED = """
SELECT COALESCE(sum(pg_table_size(oid)), 0)::bigint FROM pg_class
 WHERE relkind = 'r' AND relpersistence = 'u' AND oid >= 16384
"""

# Bytes, and rows that were updated or deleted in a second since the statistics were reset.
_BUSY = """
SELECT pg_table_size(c.oid)::bigint,
       ((s.n_tup_upd + s.n_tup_del) / GREATEST(1, EXTRACT(epoch FROM now() - COALESCE(
           (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
           pg_postmaster_start_time()))))::float
  FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.oid = %s
"""

# A type without a default operator class has no equality: https://www.postgresql.org/docs/current/catalog-pg-opclass.html
_WITHOUT_EQUALITY = """
SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
   AND t.typtype = 'b' AND t.typcategory <> 'A'
   AND NOT EXISTS (SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
                    WHERE m.amname IN ('btree', 'hash') AND o.opcdefault
                      AND (o.opcintype = t.oid OR EXISTS (
                           SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = o.opcintype
                              AND k.castmethod = 'b')))
"""

_OTHERS = "Choose another pg_migrate_fence (docs/availability.md)."


def look(reader: Session, facts: ServerFacts, jobs: int, limit: float) -> tuple[Obstacle, ...]:
    """
    :param reader: a session with the database.
    :param jobs: sessions that compare the copy with the database.
    :param limit: seconds that they may take.
    """
    if basic := tuple(_of_role_and_version(facts)):
        return basic
    parts: tuple[Callable[[], Iterator[Obstacle]], ...] = (
        lambda: _of_server(reader, facts),
        lambda: _of_database(reader),
        lambda: _of_tables_without_a_key(reader),
        lambda: _of_time(reader, facts, jobs, limit),
    )
    return tuple(found for part in parts for found in part())


def _of_role_and_version(facts: ServerFacts) -> Iterator[Obstacle]:
    if facts.server_version < logical.SINCE:
        yield Obstacle("error", f"PostgreSQL {facts.server_version_text} is older than 15", _OTHERS)
    if facts.standby:
        yield Obstacle("error", "the server is a standby, which publishes nothing", "Connect to the primary.")
    if not facts.role.superuser:
        what = f"the role {facts.role.name} is no superuser, and publishing all tables needs one"
        yield Obstacle("error", what, f"Connect as a superuser. {_OTHERS}")


def _of_server(reader: Session, facts: ServerFacts) -> Iterator[Obstacle]:
    level, idle, slots, senders, workers = reader.row(_SERVER)
    if level != "logical":
        remedy = f"ALTER SYSTEM SET wal_level = logical, then restart the server. {_OTHERS}"
        yield Obstacle("error", f"wal_level is {level}", remedy)
        return
    free = {"max_replication_slots": slots, "max_wal_senders": senders, "max_logical_replication_workers": workers}
    for setting in [name for name, left in free.items() if int(left) < 1]:
        yield Obstacle("error", f"all of {setting} are in use", f"Raise {setting}, or drop what is not needed.")
    if idle:
        what = f"idle_replication_slot_timeout is {idle}, and its slot is idle while the backup is proven"
        yield Obstacle("error", what, "ALTER SYSTEM RESET idle_replication_slot_timeout; SELECT pg_reload_conf()")
    yield from _of_log(facts)
    if all(int(left) > 0 for left in free.values()):
        yield from _of_connection(reader)


def _of_log(facts: ServerFacts) -> Iterator[Obstacle]:
    """The slot keeps all that the proof writes, and what clients write meanwhile."""
    disk, most = facts.wal.filesystem, facts.wal.slot_bytes
    written = facts.wal.written_by_restore(facts.wanted.bytes)
    if disk.free_bytes is None and most is None:
        yield Obstacle(
            "error",
            "nothing would limit the log that its slot retains: the disk of pg_wal cannot be seen from here",
            "Set max_slot_wal_keep_size to what the disk of pg_wal has room for, or run on the server's host.",
        )
    if most is not None and most < written:
        what = f"max_slot_wal_keep_size is {size(most)}, and the proof alone writes {size(written)} of log"
        yield Obstacle("error", what, f"Raise max_slot_wal_keep_size. {_OTHERS}")
    if disk.free_bytes is not None and disk.free_bytes < written:
        what = f"{disk.path} has {size(disk.free_bytes)} free, and its slot keeps {size(written)} of log"
        yield Obstacle("error", what, f"Free space there. {_OTHERS}")


def _of_connection(reader: Session) -> Iterator[Obstacle]:
    try:
        with session(reader.target.maintenance, purpose="preflight") as server:
            logical.own_address(server, reader.target.dbname)
    except PgsafeError as error:
        yield Obstacle("error", error.what.rstrip("."), error.remedy)


def _of_database(reader: Session) -> Iterator[Obstacle]:
    tables = [name for (name,) in reader.rows(_TRIGGERS)]
    if tables:
        yield Obstacle(
            "error",
            f"triggers ENABLE ALWAYS or REPLICA would fire in the copy too: {first_few(tables)}",
            f"ALTER TABLE … ENABLE TRIGGER, where they need not fire in replication. {_OTHERS}",
        )
    unlogged = int(reader.value(_UNLOGGED))
    if unlogged > _MOST_UNLOGGED_BYTES:
        yield Obstacle(
            "error",
            f"unlogged tables of {size(unlogged)} would be copied while the database is read-only; "
            f"at most {size(_MOST_UNLOGGED_BYTES)} are allowed",
            f"Empty them, or make them logged. {_OTHERS}",
        )


def _of_tables_without_a_key(reader: Session) -> Iterator[Obstacle]:
    for table in logical.keyless(reader):
        if table.identity not in logical.GIVEN_BACK:
            yield Obstacle(
                "error",
                f"the index that is the replica identity of {table.label} is missing or invalid",
                f"ALTER TABLE {table.label} REPLICA IDENTITY DEFAULT, or USING INDEX a valid one.",
            )
        columns = [name for (name,) in reader.rows(_WITHOUT_EQUALITY, (table.oid,))]
        if columns:
            yield Obstacle(
                "error",
                f"{table.label} has no key, and the type of its {first_few(columns)} has no equality by which a row "
                "could be found",
                f"Give it a primary key. {_OTHERS}",
            )
        for table_bytes, rows in reader.rows(_BUSY, (table.oid,)):
            if rows * table_bytes / _SEARCHED_BYTES_A_SECOND > _MOST_SEARCHING:
                yield Obstacle(
                    "error",
                    f"{table.label} has no key, is {size(table_bytes)}, and has {rows:.1f} rows updated or deleted per "
                    "second: the copy would scan the table for each of them",
                    f"Give it a primary key. {_OTHERS}",
                )


def _of_time(reader: Session, facts: ServerFacts, jobs: int, limit: float) -> Iterator[Obstacle]:
    """Where changed blocks cannot be told, both sides are read whole, by sessions that share the processors."""
    lacking = changed_blocks.missing(reader, logical.SLOTS)
    if not lacking:
        return
    seconds = facts.wanted.bytes / ASSUMED_BYTES_PER_SECOND / max(1, jobs)
    if seconds > limit:
        yield Obstacle(
            "warning",
            f"comparing {size(facts.wanted.bytes)} with the copy may take {duration(seconds)} while the database is "
            f"read-only, and is given up after {duration(limit)}: {lacking}",
            "Provide what is missing, raise pg_migrate_jobs or pg_migrate_limits.copy_timeout, or set "
            "pg_migrate_backup: {fingerprint: sampled}.",
        )
