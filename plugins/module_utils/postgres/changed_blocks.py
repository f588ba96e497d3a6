# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which blocks were changed since a position of the write-ahead log, which a replication slot keeps meanwhile.

The log records every change to a heap block, committed or not, and survives a crash; the statistics do not. It is read
by pg_walinspect: https://www.postgresql.org/docs/current/pgwalinspect.html
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..ports.database import Session

# What the slots of runs are called: by the run, and the OID of its database.
SLOTS = r"^pgsafe_\d{8}_\d{6}(_\d+)?_\d+$"

# Every transaction that wrote before the position has ended once the oldest running one is no older than the next xid
# was just after it. https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
_POSITION = "SELECT pg_current_wal_insert_lsn()::text"
_YOUNGEST = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
_SETTLED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8"

_FACTS = """
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('wal_level'),
       (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER),
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_walinspect'),
       current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)
"""

_KEEP = "SELECT pg_create_physical_replication_slot(%s, true)"
_STATUS = """
SELECT COALESCE(wal_status, ''), COALESCE(restart_lsn <= %s::pg_lsn, false) FROM pg_replication_slots
 WHERE slot_name = %s
"""
_DROP = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"

# What the server keeps for itself, its disk must have room for; no more is kept for us.
_DROP_TOO_LARGE = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
 WHERE slot_name = %s AND pg_current_wal_lsn() - restart_lsn
       > (SELECT setting::numeric * 1048576 FROM pg_settings WHERE name = 'max_wal_size')
"""

# The functions are in public, since this is a database of our own.
_EXTENSION = "CREATE EXTENSION pg_walinspect WITH SCHEMA public"
_END = "SELECT pg_current_wal_flush_lsn()::text"
_BLOCKS = """
SELECT i.relfilenode::bigint AS file, i.relblocknumber::bigint AS block
  FROM public.pg_get_wal_block_info(%(since)s::pg_lsn, %(until)s::pg_lsn, false) AS i
 WHERE i.reldatabase = %(database)s::oid AND i.relforknumber = 0
"""
_BLOCKS_15 = r"""
SELECT m[1]::bigint AS file, m[2]::bigint AS block
  FROM public.pg_get_wal_records_info(%(since)s::pg_lsn, %(until)s::pg_lsn) AS i
 CROSS JOIN LATERAL regexp_matches(
       i.block_ref, 'rel \d+/' || %(database)s || '/(\d+) (?:fork main )?blk (\d+)', 'g') AS m
"""
_RANGES = """
SELECT file, min(block), max(block) + 1
  FROM (SELECT file, block, block - row_number() OVER (PARTITION BY file ORDER BY block) AS range
          FROM (SELECT DISTINCT file, block FROM ({blocks}) AS b WHERE file = ANY (%(files)s)) AS d) AS r
 GROUP BY file, range ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Mark:
    """A position from which on every change of a block is known.

    :param slot: keeps the log from there on.
    :param xid: a snapshot goes with the position when no transaction before this one was at work any more.
    """

    slot: str
    lsn: str
    xid: str


def missing(server: Session, slots: int = 1) -> str:
    """What the server lacks for it; empty where nothing is missing.

    :param slots: how many replication slots must be free.
    """
    version, standby, level, superuser, extension, free_slots = server.row(_FACTS)
    lacking = {
        "pg_walinspect comes with PostgreSQL 15 and later": version < 150000,
        "the server is a standby": standby,
        "wal_level is minimal, and no slot keeps the log": level == "minimal",
        "pg_walinspect is created by superusers alone": not superuser,
        "the extension pg_walinspect is not installed on the server (package postgresql-contrib)": not extension,
        f"free replication slots: {max(0, free_slots)}, needed: {slots} (max_replication_slots)": free_slots < slots,
    }
    return "; ".join(text for text, lacks in lacking.items() if lacks)


def keep(server: Session, slot: str) -> Mark:
    """Keep the log from now on.

    :raises QueryFailed: the slot exists already, or there is no room for it.
    """
    server.execute(_KEEP, (slot,))
    return position(server, slot)


def position(server: Session, slot: str) -> Mark:
    """The position of now.

    :param slot: keeps the log from an earlier one on.
    """
    lsn = str(server.value(_POSITION))
    return Mark(slot, lsn, str(server.value(_YOUNGEST)))


def settled(reader: Session, mark: Mark) -> bool:
    """Whether the snapshot of the session sees all that was written before the mark."""
    return bool(reader.value(_SETTLED, (mark.xid,)))


def lost(server: Session, mark: Mark) -> str:
    """Why the log is not kept any more; empty while it is."""
    found = server.rows(_STATUS, (mark.lsn, mark.slot))
    if not found:
        return f"the replication slot {mark.slot} is gone"
    status, reaches_back = found[0]
    if status not in ("reserved", "extended") or not reaches_back:
        return f"the replication slot {mark.slot} has not kept the log ({status or 'without a position'})"
    return ""


def drop(server: Session, slot: str) -> None:
    """Nothing happens when it is not there."""
    server.rows(_DROP, (slot,))


def drop_if_too_large(server: Session, slot: str) -> bool:
    """Drop it when it keeps more than max_wal_size; whether it was dropped."""
    return bool(server.rows(_DROP_TOO_LARGE, (slot,)))


def prepare(inspector: Session) -> None:
    """In a database of our own: once this is committed, so is all that was written to the log before."""
    inspector.execute(_EXTENSION)


def since(inspector: Session, mark: Mark, database: int, files: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """The changed blocks of files by filenode, as ranges from the first to before the last.

    :param inspector: a session of a database that :func:`prepare` was called in.
    :param database: its OID.
    :raises QueryFailed: the log is not there any more.
    """
    query = _RANGES.format(blocks=_BLOCKS if inspector.version >= 160000 else _BLOCKS_15)
    until = inspector.value(_END)
    found: dict[int, list[tuple[int, int]]] = {}
    facts = {"since": mark.lsn, "until": until, "database": str(database), "files": list(files)}
    for file, first, end in inspector.rows(query, facts):
        found.setdefault(int(file), []).append((int(first), int(end)))
    return found
