# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of a run, for people: a line for every event of its journal, with the phase that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.foreign_text import MARK, marked, visible

# What a result takes along; the whole log is beside the backup.
_MOST_LINES = 200
_LONGEST = 300

# The phase of each event, and what it means. Facts are named in braces.
_TOLD = {
    "fencing": ("FENCE", "The database {database} is fenced: {kind}"),
    "fenced": ("FENCE", "The fence stands"),
    "revoking": ("FENCE", "The right to connect is taken from everybody else"),
    "closing": ("FENCE", "The database is closed for everybody else"),
    "giving_up": ("FENCE", "Given up before the migration: {error}"),
    "opened": ("FENCE", "The database is open for everybody again"),
    "backup_started": ("BACKUP", "The backup is begun: {backup_dir}"),
    "backed_up": ("BACKUP", "The backup is complete"),
    "backup_failed": ("BACKUP", "The backup failed: {error}"),
    "swept": ("BACKUP", "A directory that an interrupted run had left was removed: {backup_dir}"),
    "verifying": ("VERIFY", "The backup is verified, up to level {level}"),
    "verified": ("VERIFY", "The backup reached level {level}"),
    "ready_copy": ("VERIFY", "The proven copy is kept, closed: {name}"),
    "ready_copy_dropped": ("VERIFY", "The proven copy was dropped: {name}"),
    "confirmed": ("CONFIRM", "{database} was confirmed by a {by}"),
    "armed": ("MIGRATE", "The migration is begun"),
    "applying": ("MIGRATE", "Applying {file}"),
    "applied": ("MIGRATE", "Applied {file}"),
    "failed": ("MIGRATE", "FAILED: {error}"),
    "held": ("MIGRATE", "HELD: the verification failed, and a person is to decide"),
    "accepted": ("VERDICT", "Accepted as {verdict}"),
    "migrated": ("VERDICT", "MIGRATED and verified"),
    "failed_unchanged": ("VERDICT", "The database is as it was; nothing had to be restored"),
    "rolling_back": ("ROLLBACK", "The database is rolled back"),
    "ending_prepared": ("ROLLBACK", "A prepared transaction is rolled back: {gid}"),
    "swapping": ("ROLLBACK", "The restored copy takes the database's place: {name}"),
    "rolled_back": ("VERDICT", "ROLLED BACK by {method}; the failed database is kept as {kept}"),
    "rollback_failed": ("ROLLBACK", "ROLLBACK FAILED: {error}"),
    "settled": ("VERDICT", "A person has put the database right by other means"),
    "guarded": ("GUARD", "A guard on the target does the {job}"),
    "aborting": ("GUARD", "Broken off: {reason}"),
    "abandoned": ("GUARD", "Nobody works on the run any more; its sentry finishes or undoes it"),
}


_NOUNS = {"verify": "verification", "migrate": "migration"}


class _Facts(dict[str, Any]):
    """What an event does not say is told as such, since journals of other versions may lack it."""

    def __missing__(self, name: str) -> str:
        return "(not said)"


def name(run_id: str) -> str:
    return f"migration_{run_id}.log"


def told(event: str, time: str, facts: Mapping[str, Any]) -> str:
    """One event of a journal.

    :param time: ISO 8601, UTC, as it is in the journal.
    """
    phase, text = _TOLD.get(event, ("", event))
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
