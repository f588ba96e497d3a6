# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of a host in the fleet report as people read them; one text for the console, the page and JUnit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils import text

NONE = "-"
HEADINGS = (
    *("Host", "Database", "Batch", "Verdict", "Version", "Rows", "Duration"),
    *("Read-only", "Closed", "Backup", "Rollback"),
)


def cells(record: Mapping[str, Any]) -> dict[str, str]:
    """By the headings, one text each."""
    version, rows = record["version"], record["rows"]
    values = (
        record["host"],
        record["database"] or NONE,
        str(record["batch"] or NONE),
        record["verdict"].replace("_", " "),
        change(version["before"], version["after"]),
        change(rowcount(rows["before"]), rowcount(rows["after"])),
        duration(record["seconds"]),
        duration(record["seconds_read_only"]),
        duration(record["seconds_closed"]),
        _backup(record["backup"]),
        _rollback(record),
    )
    return dict(zip(HEADINGS, values))


def change(before: str, after: str) -> str:
    if not after or after == NONE:
        return before or NONE
    return f"{before or NONE} → {after}"


def rowcount(rows: int | None) -> str:
    return NONE if rows is None else f"{rows:,}"


def duration(seconds: float | None) -> str:
    return NONE if seconds is None else text.duration(seconds)


def _backup(backup: Mapping[str, Any] | None) -> str:
    if backup is None:
        return NONE
    size = "" if backup["bytes"] is None else text.size(backup["bytes"])
    return ", ".join(filter(None, (size, backup["level"]))) or backup["dir"]


def _rollback(record: Mapping[str, Any]) -> str:
    rollback, copy = record["rollback"], record["retained_copy"]
    if copy:
        return f"at once until {copy['until']}"
    if rollback["seconds"] is not None:
        return f"took {duration(rollback['seconds'])}"
    expected = rollback["expected_seconds"]
    return NONE if expected is None else f"about {duration(expected)}"


def table(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each host under a line of headings, in columns."""
    rows = [dict(zip(HEADINGS, HEADINGS)), *map(cells, records)]
    widths = {heading: max(len(row[heading]) for row in rows) for heading in HEADINGS}
    shown = [heading for heading in HEADINGS if any(row[heading] != NONE for row in rows[1:])]
    return ["  ".join(f"{row[heading]:<{widths[heading]}}" for heading in shown).rstrip() for row in rows]


def title(report: Mapping[str, Any]) -> str:
    hosts = report["hosts"]
    well = sum(one["well"] for one in hosts)
    return f"{well} of {len(hosts)} ended well"
