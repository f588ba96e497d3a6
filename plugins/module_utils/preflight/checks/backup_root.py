# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup root exists, and only root and the user of the play can write there or replace it."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    root = facts.backup_root
    if not root.path.startswith("/"):
        yield Problem(
            "backup_root",
            "error",
            f"The backup root {root.path} is not absolute: on the target it would be wherever the task runs.",
            "Write its whole path.",
        )
        return
    if not root.exists:
        yield Problem(
            "backup_root",
            "error",
            f"The backup root {root.path} does not exist.",
            f"install -d -m 0700 {root.path} (as the user of the play)",
        )
        return
    if not root.writable:
        yield Problem(
            "backup_root",
            "error",
            f"The backup root {root.path} cannot be written by the user of the play.",
            f"chown it to that user: ls -ld {root.path}",
        )
    if root.weakness:
        yield Problem(
            "backup_root",
            "error",
            f"Another user could replace what is in the backup root {root.path}: {root.weakness}.",
            root.remedy,
        )
