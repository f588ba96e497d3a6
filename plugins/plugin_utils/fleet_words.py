# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of a host in the fleet report as people read them; one text for the console, the page and JUnit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils import prediction, text

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


WAITING = ("Clients", "Predicted", "Was", "In all")


def waiting(record: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """A row for each figure, under :data:`WAITING`; none where no fence was chosen."""
    found = record["availability"]
    if found is None:
        return []
    names = {"without_writes": "without writes", "without_service": "without service"}
    return [_waiting(told, found[name]) for name, told in names.items()]


def _waiting(name: str, figure: Mapping[str, Any]) -> tuple[str, str, str, str]:
    least, most = figure["predicted"], figure["predicted_most"]
    told = prediction.told_span(least, most)
    return name, told, duration(figure["seconds"]), duration(figure["in_all"])


def waiting_notes(record: Mapping[str, Any]) -> str:
    """Where the prediction came from, and what is in none."""
    found = record["availability"]
    if found is None:
        return ""
    told = f"Fence {found['fence']}, predicted by: {found['basis'] or 'nothing'}."
    if found["migrating"] is None:
        return told
    waited = prediction.Waited(0.0, 0.0, found["migrating"], found["asking"])
    return f"{told} Not predicted: {waited.unforeseen}."


def locks(file: Mapping[str, Any]) -> str:
    """For which others would have waited, by mode; empty where they are not known."""
    found = file["locks"]
    if found is None:
        return ""
    by_mode: dict[str, list[str]] = {}
    for lock in found:
        by_mode.setdefault(lock["mode"], []).append(lock["table"])
    told = [f"{mode} on {text.first_few(tables)}" for mode, tables in by_mode.items()]
    return "; ".join(told) or "none"


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
