# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What plays leave when they are over: processes that still work on their runs, and databases behind a fence."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.fence import mark as fence_mark
from ansible_collections.pgsafe.migration.tests.server.support import command_lines, kill, until

import pgserver

# A guard starts another worker in the place of one that was killed, so the guards are ended before the workers, and
# the parents of the guards, which are older, before them.
ROLES = ("guard", "work")

_COMMENTS = "SELECT json_object_agg(datname, shobj_description(oid, 'pg_database')) FROM pg_database"


def working(directory: Path) -> dict[int, str]:
    """Watchdogs, guards and workers of the runs below a directory: their command lines by process."""
    found = {}
    for role in ROLES:
        for pid, words in command_lines().items():
            if words[-2:-1] == [role] and any(word.startswith(f"{directory}{os.sep}") for word in words):
                found[pid] = " ".join(words)
    return found


def fenced(server: pgserver.Server) -> list[str]:
    """The databases of the server that a run has fenced; a fence marks first, and takes the mark away last."""
    comments = json.loads(server.psql(_COMMENTS))
    return [f"{name} is {comment}" for name, comment in comments.items() if fence_mark.is_mark(comment)]


def slots(server: pgserver.Server) -> list[str]:
    """What runs keep of the write-ahead log."""
    return server.psql("SELECT slot_name FROM pg_replication_slots WHERE slot_name ^@ 'pgsafe_'").splitlines()


def require_none(directory: Path, server: pgserver.Server | None) -> None:
    """Wait until the runs below a directory have let go of everything; a watchdog looks twice a second."""

    def left() -> list[str]:
        return [*working(directory).values(), *([*fenced(server), *slots(server)] if server else [])]

    with suppress(AssertionError):
        until(lambda: not left(), "nothing is left of the runs")
    assert left() == []


def end(directory: Path) -> None:
    """No run outlives its test."""
    kill(working(directory))
