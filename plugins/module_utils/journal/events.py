# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events: every line that a journal can hold. An event of a step that changes something precedes the step."""

from __future__ import annotations

from .words import Word


class Event(Word):
    """The comment behind each event names its facts."""

    # The fence. FENCING precedes its first step, OPENED follows the last step of its undo.
    FENCING = "fencing"  # database, identity, kind, saved, after, reason, comment, idle_timeout, lease, predictions
    FENCED = "fenced"  # counters, clock, log, why_no_log
    REVOKING = "revoking"  # acl, owner, role
    CLOSING = "closing"  # name
    GIVING_UP = "giving_up"  # error; the database could not be closed
    OPENED = "opened"

    # A verified copy that follows the database. UNFOLLOWED says that of all this nothing is left.
    PUBLISHING = "publishing"  # publication, keyless: the tables whose replica identity changes
    SLOTTING = "slotting"  # slot, free_bytes: on the disk of the log
    SUBSCRIBING = "subscribing"  # name, oid: of the copy
    FOLLOWING = "following"  # seconds
    READING_ONLY = "reading_only"  # clock
    EQUAL = "equal"  # seconds
    UNFOLLOWED = "unfollowed"

    BACKUP_STARTED = "backup_started"  # backup_dir, database
    BACKED_UP = "backed_up"  # backup_dir, manifest_sha256
    BACKUP_FAILED = "backup_failed"  # error
    SWEPT = "swept"  # backup_dir
    PINNED = "pinned"  # reason
    UNPINNED = "unpinned"
    PRUNING = "pruning"  # backup_dir, reason
    DROPPING_KEPT = "dropping_kept"  # name, oid, reason

    VERIFYING = "verifying"  # level
    VERIFIED = "verified"  # backup_dir, manifest_sha256, level, proof, findings, not_given_back, seconds
    COPYING = "copying"  # name; the copy of the database's files may be incomplete
    VERIFIED_COPY = "verified_copy"  # name, oid, of_files
    COPY_RETAINED = "copy_retained"  # name, oid, until, sessions, statistics
    VERIFIED_COPY_DROPPED = "verified_copy_dropped"  # name

    # The window: from ARMED on the database may differ from the backup, until the run has ended.
    CONFIRMED = "confirmed"  # database, by
    PROMOTED = "promoted"  # by
    ARMED = "armed"  # digest, backup_dir, sequences, version
    APPLYING = "applying"  # file
    APPLIED = "applied"  # file
    FAILED = "failed"  # error; the undo begins
    HELD = "held"  # a person decides

    ROLLING_BACK = "rolling_back"
    ENDING_PREPARED = "ending_prepared"  # gid
    SWAPPING = "swapping"  # name, oid, system_identifier, kept: the OIDs of what is kept, by name
    ROLLBACK_FAILED = "rollback_failed"  # error

    # The verdict is in, and only the opening of the database is missing.
    ACCEPTED = "accepted"  # verdict, reason, counters, identity

    MIGRATED = "migrated"  # digest, version
    FAILED_UNCHANGED = "failed_unchanged"  # kept
    ROLLED_BACK = "rolled_back"  # kept, method, failures
    RESOLVED = "resolved"  # reason

    # The processes of the run.
    GUARDED = "guarded"  # job, directory, by_hand
    ABORTING = "aborting"  # reason
    ABANDONED = "abandoned"  # reason
