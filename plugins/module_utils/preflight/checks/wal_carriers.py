# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What carries the write-ahead log of the restore: slots that may be lost, an archiver that fails."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import size
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    written = facts.wal_bytes
    for slot in facts.wal.slots:
        if slot.status == "lost" or slot.safe_bytes is None or slot.safe_bytes >= written:
            continue
        yield Problem(
            "wal_carriers",
            "warning",
            f"The slot {slot.name} is lost when it falls {size(max(0, slot.safe_bytes))} further behind; the restore "
            f"writes about {size(written)} of the write-ahead log.",
            f"ALTER SYSTEM SET max_slot_wal_keep_size = '{_megabytes(written)}MB'; SELECT pg_reload_conf()",
        )
    archiver = facts.wal.archiver
    if archiver and archiver.failing:
        yield Problem(
            "wal_carriers",
            "warning",
            f"The archiver fails with {archiver.last_failed}: what the restore writes, about {size(written)}, would "
            "pile up in pg_wal.",
            "Fix archive_command (see: SELECT * FROM pg_stat_archiver, and the server's log).",
        )


def _megabytes(count: int) -> int:
    """Twice as much, rounded up, since others write too."""
    return 2 * count // (1 << 20) + 1
