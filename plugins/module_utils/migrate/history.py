# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a set beside the history of a database, as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timezone

from ..journal import applied_files
from ..model import Target
from ..ports.database import session
from ..postgres import login_triggers
from ..text import duration
from . import conventions, pending
from .pending import FileState, Listing

_SIGNS = {pending.PENDING: "[ ]", pending.CHANGED: "[✗]", pending.MISSING: "[✗]"}
_DONE = "[✓]"


@dataclass(frozen=True)
class Row:
    """A file; the attributes are those that pg_migration_info returns."""

    version: str
    name: str
    state: str
    repeatable: bool
    set_name: str
    kind: str
    run_id: str
    applied_at: str
    applied_by: str
    seconds: float | None
    sha256: str
    reason: str


def look(target: Target, listing: Listing, set_name: str) -> list[Row]:
    """What became of each file, by reading alone.

    :raises Refused: the history cannot be trusted.
    :raises PgsafeError: the database cannot be reached.
    """
    with session(login_triggers.silenced(target), purpose="history") as reader:
        found = applied_files.read(reader)
    return [_row(state, set_name) for state in pending.states(listing, found, set_name)]


def lines(rows: Sequence[Row]) -> list[str]:
    """A line a file: version, file, state, when, run, duration."""
    if not rows:
        return [f"{_DONE} No migration was applied, and no file was given"]
    cells = [(row.version, row.name, _told(row), row.applied_at, row.run_id, _took(row)) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells)]
    return [
        f"{_SIGNS.get(row.state, _DONE)} {'  '.join(cell.ljust(width) for cell, width in zip(texts, widths))}".rstrip()
        for row, texts in zip(rows, cells)
    ]


def _told(row: Row) -> str:
    words = [row.state]
    if row.repeatable:
        words.append("repeatable")
    if row.kind in (applied_files.BASELINE, applied_files.ACCEPTED, applied_files.COMMAND):
        words.append(row.kind)
    if row.set_name != applied_files.DEFAULT_SET:
        words.append(f"set {row.set_name}")
    return ", ".join(words)


def _took(row: Row) -> str:
    return "" if row.seconds is None else duration(row.seconds)


def _row(of: FileState, set_name: str) -> Row:
    file = of.applied
    version = ".".join(map(str, conventions.version(of.name)))
    if file is None:
        return Row(version, of.name, of.state, of.repeatable, set_name, "", "", "", "", None, "", "")
    at = file.applied_at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if file.applied_at else ""
    return Row(
        version="" if file.kind == applied_files.COMMAND else version,
        name=of.name,
        state=of.state,
        repeatable=of.repeatable,
        set_name=file.set_name,
        kind=file.kind,
        run_id=file.run_id,
        applied_at=at,
        applied_by=file.applied_by,
        seconds=file.seconds,
        sha256=file.sha256,
        reason=file.reason,
    )
