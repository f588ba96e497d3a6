# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of a run, for people: a line for every event of its journal, with the phase that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..foreign_text import MARK, marked, visible
from .events import Event

# What a result takes along; the whole log is beside the backup.
_MOST_LINES = 200
_LONGEST = 300

# The phase of each event, and what it means. Facts are named in braces.
PHRASES = {
    Event.FENCING: ("FENCE", "The database {database} is fenced: {kind}"),
    Event.FENCED: ("FENCE", "The fence stands"),
    Event.REVOKING: ("FENCE", "CONNECT is revoked from all other roles"),
    Event.CLOSING: ("FENCE", "The database is closed to other sessions"),
    Event.GIVING_UP: ("FENCE", "Gave up before the migration: {error}"),
    Event.OPENED: ("FENCE", "The database is open again"),
    Event.PUBLISHING: ("FENCE", "Publishing the changes of all tables: {publication}"),
    Event.SLOTTING: ("FENCE", "A replication slot keeps the write-ahead log: {slot}"),
    Event.SUBSCRIBING: ("VERIFY", "The verified copy {name} begins to follow the database"),
    Event.FOLLOWING: ("VERIFY", "The verified copy follows the database, after {seconds} s"),
    Event.READING_ONLY: ("MIGRATE", "The database is read-only until its copy is proven equal"),
    Event.EQUAL: ("MIGRATE", "The verified copy is equal to the database, by content, after {seconds} s"),
    Event.UNFOLLOWED: ("FENCE", "Publication, slot, subscription and replica identities are as before"),
    Event.BACKUP_STARTED: ("BACKUP", "Backup started: {backup_dir}"),
    Event.BACKED_UP: ("BACKUP", "Backup complete"),
    Event.BACKUP_FAILED: ("BACKUP", "Backup failed: {error}"),
    Event.SWEPT: ("BACKUP", "Removed the incomplete backup of an interrupted run: {backup_dir}"),
    Event.PINNED: ("RETENTION", "Backup pinned: {reason}"),
    Event.UNPINNED: ("RETENTION", "Backup unpinned"),
    Event.PRUNING: ("RETENTION", "Removing the backup {backup_dir}: {reason}"),
    Event.DROPPING_KEPT: ("RETENTION", "Dropping the kept database {name}: {reason}"),
    Event.VERIFYING: ("VERIFY", "Verifying the backup up to level {level}"),
    Event.VERIFIED: ("VERIFY", "The backup reached level {level}"),
    Event.COPYING: ("MIGRATE", "Copying the files of the closed database as {name}"),
    Event.VERIFIED_COPY: ("VERIFY", "Verified copy kept, closed to connections: {name}"),
    Event.COPY_RETAINED: ("VERDICT", "Verified copy retained until {until}, for an instant rollback: {name}"),
    Event.VERIFIED_COPY_DROPPED: ("VERIFY", "Verified copy dropped: {name}"),
    Event.CONFIRMED: ("CONFIRM", "{database} was confirmed by a {by}"),
    Event.PROMOTED: ("CONFIRM", "Promotion: {by}"),
    Event.ARMED: ("MIGRATE", "Migration started"),
    Event.APPLYING: ("MIGRATE", "Applying {file}"),
    Event.APPLIED: ("MIGRATE", "Applied {file}"),
    Event.FAILED: ("MIGRATE", "FAILED: {error}"),
    Event.HELD: ("MIGRATE", "HELD: the verification failed; a person must decide"),
    Event.ACCEPTED: ("VERDICT", "Accepted as {verdict}"),
    Event.MIGRATED: ("VERDICT", "MIGRATED and verified"),
    Event.FAILED_UNCHANGED: ("VERDICT", "The database is unchanged; nothing had to be restored"),
    Event.ROLLING_BACK: ("ROLLBACK", "Rolling back the database"),
    Event.ENDING_PREPARED: ("ROLLBACK", "Rolling back the prepared transaction {gid}"),
    Event.SWAPPING: ("ROLLBACK", "Replacing the database with its restored copy {name}"),
    Event.ROLLED_BACK: ("VERDICT", "ROLLED BACK by {method}; the failed database is kept as {kept}"),
    Event.ROLLBACK_FAILED: ("ROLLBACK", "ROLLBACK FAILED: {error}"),
    Event.RESOLVED: ("VERDICT", "Marked as resolved by a person: {reason}"),
    Event.GUARDED: ("GUARD", "A guard on the target runs the {job}"),
    Event.ABORTING: ("GUARD", "Aborted: {reason}"),
    Event.ABANDONED: ("GUARD", "The watchdog finishes or undoes the run: {reason}"),
}


_NOUNS = {"verify": "verification", "migrate": "migration"}


class _Facts(dict[str, object]):
    """Shows a missing fact as such, since journals of other versions may lack it."""

    def __missing__(self, name: str) -> str:
        return "(not said)"


def name(run_id: str) -> str:
    return f"migration_{run_id}.log"


def told(event: Event, time: str, facts: Mapping[str, Any]) -> str:
    """One event of a journal.

    :param time: ISO 8601, UTC, as it is in the journal.
    """
    phase, text = PHRASES[event]
    facts = {**facts, "job": _NOUNS.get(str(facts.get("job")), facts.get("job"))}
    moment = time.replace("T", " ").replace("Z", " UTC")
    said = text.format_map(_Facts({key: value if value != "" else "(none)" for key, value in facts.items()}))
    return marked(f"{moment}  {phase:<8}  {said}")


def output(text: str) -> str:
    """What a program has said, below the event that it belongs to."""
    return "\n".join(MARK + visible(line) for line in text.splitlines())


def shortened(lines: list[str]) -> list[str]:
    """The end of a log, which tells how it ended."""
    left = len(lines) - _MOST_LINES
    more = [f"({left} earlier lines are in the log on the target)"] if left > 0 else []
    return more + [line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …" for line in lines[-_MOST_LINES:]]
