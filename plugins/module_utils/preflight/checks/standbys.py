# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions on standbys follow the database by its OID: after a cut-over they keep reading the replaced one."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import size
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    if not facts.database or not facts.wal.standbys:
        return
    shown = "; ".join(standby.described for standby in facts.wal.standbys)
    yield Problem(
        "standbys",
        "warning",
        f"Sessions on standbys will keep reading the replaced database: {shown}. Their disks cannot be seen; a copy "
        f"takes {size(facts.wanted.bytes)} there too.",
        "Restart the read pools after the restore, or on each standby: SELECT pg_terminate_backend(pid) FROM "
        f"pg_stat_activity WHERE datid = {facts.oid}",
    )
