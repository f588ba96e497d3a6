# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The write-ahead log and who carries it away: slots, standbys, the archiver.

A restore beside the live database writes about as much of it as the copy has bytes, and all of them have to take it.
https://www.postgresql.org/docs/current/monitoring-stats.html, view-pg-replication-slots.html
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Filesystem
from ..ports.database import Session
from . import changed_blocks, filesystems

# Where wal_level is minimal, pg_restore's COPY and CREATE INDEX write none, but the template's copy is written; see
# https://www.postgresql.org/docs/current/populate.html#POPULATE-PITR
_TEMPLATE_BYTES = 8 << 20
_SHARE_OF_MINIMAL = 0.02

_SETTINGS = """
SELECT current_setting('wal_level'), current_setting('archive_mode'),
       (SELECT setting::bigint << 20 FROM pg_settings WHERE name = 'max_wal_size'),
       (SELECT NULLIF(setting::bigint, -1) << 20 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,
                       '0/0')::bigint
"""

# Without those of runs, which are dropped before they keep more than the server does for itself.
_SLOTS = """
SELECT slot_name, slot_type, COALESCE(database, ''), active, COALESCE(wal_status, ''), safe_wal_size
  FROM pg_replication_slots WHERE slot_name !~ %s ORDER BY 1
"""

# Consumers of physical changes. A role that may not read all statistics sees that there is one, and no more.
_STANDBYS = """
SELECT COALESCE(NULLIF(application_name, ''), concat('pid ', pid)), COALESCE(client_addr::text, 'local'),
       COALESCE(state, 'state unknown'), pg_wal_lsn_diff(pg_current_wal_insert_lsn(), replay_lsn)::bigint
  FROM pg_stat_replication r
 WHERE NOT pg_is_in_recovery()
   AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
 ORDER BY 1, 2
"""

_ARCHIVER = """
SELECT archived_count, failed_count,
       failed_count > 0 AND (last_archived_time IS NULL OR last_failed_time > last_archived_time),
       COALESCE(last_failed_wal, '')
  FROM pg_stat_archiver
"""


@dataclass(frozen=True)
class Slot:
    """A replication slot.

    :param database: of a logical one.
    :param status: ``wal_status``: reserved, extended, unreserved or lost.
    :param safe_bytes: what may still be written before it is lost; None without max_slot_wal_keep_size.
    """

    name: str
    kind: str
    database: str
    active: bool
    status: str
    safe_bytes: int | None


@dataclass(frozen=True)
class Standby:
    """:param behind_bytes: what it has still to replay; None when this role may not know."""

    name: str
    address: str
    state: str
    behind_bytes: int | None

    @property
    def described(self) -> str:
        return f"{self.name} ({self.address}, {self.state})"


@dataclass(frozen=True)
class Archiver:
    """:param failing: the last attempt failed, and is made again and again.
    :param last_failed: the segment that it failed with.
    """

    archived: int
    failed: int
    failing: bool
    last_failed: str


@dataclass(frozen=True)
class Wal:
    """:param position: of the write-ahead log, in bytes since its beginning.
    :param most_bytes: max_wal_size: what the server keeps of it for itself.
    :param slot_bytes: max_slot_wal_keep_size; None without that limit.
    :param archiver: None when nothing is archived.
    """

    level: str
    position: int
    most_bytes: int
    slot_bytes: int | None
    slots: tuple[Slot, ...]
    standbys: tuple[Standby, ...]
    archiver: Archiver | None
    filesystem: Filesystem

    def written_by_restore(self, database_bytes: int) -> int:
        """What a restore of a database of that size will write, rounded up: docs/restore.md says what was measured."""
        if self.level == "minimal":
            return _TEMPLATE_BYTES + int(database_bytes * _SHARE_OF_MINIMAL)
        return database_bytes

    def kept_of(self, written: int) -> int:
        """How much of it may be in pg_wal at once: all of it when a slot or a failing archiver holds it back."""
        held = any(slot.status != "lost" for slot in self.slots) or bool(self.archiver and self.archiver.failing)
        return written if held else min(written, self.most_bytes)


def read(session: Session) -> Wal:
    """
    :raises QueryFailed: a view cannot be read.
    """
    level, archive_mode, most_bytes, slot_bytes, position = session.row(_SETTINGS)
    return Wal(
        level=level,
        position=position,
        most_bytes=most_bytes,
        slot_bytes=slot_bytes,
        slots=tuple(Slot(*row) for row in session.rows(_SLOTS, (changed_blocks.SLOTS,))),
        standbys=tuple(Standby(*row) for row in session.rows(_STANDBYS)),
        archiver=None if archive_mode == "off" else Archiver(*session.row(_ARCHIVER)),
        filesystem=filesystems.of_wal(session),
    )
