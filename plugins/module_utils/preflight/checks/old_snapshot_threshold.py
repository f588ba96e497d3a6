# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server keeps what a long snapshot needs (up to PostgreSQL 16 a setting may limit that)."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.old_snapshot_threshold != "-1":
        yield Problem(
            "old_snapshot_threshold",
            "error",
            f"old_snapshot_threshold is {facts.old_snapshot_threshold}: the snapshot of a long backup could become too "
            "old.",
            "ALTER SYSTEM SET old_snapshot_threshold = -1, and restart the server.",
        )
