# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the files of the closed database can be copied, where the fence does that."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...model import COPIED
from ...text import duration
from .check import Facts

# Beyond it the copy is given up.
_MOST_SECONDS = 60.0


def check(facts: Facts) -> Iterator[Problem]:
    copy = facts.closed_copy
    if facts.fence != COPIED:
        return
    if copy.why_not:
        yield Problem(
            "closed_copy",
            "error",
            f"The files of {facts.database} cannot be copied when it is closed: {copy.why_not}.",
            "Choose pg_migrate_fence: auto or read_only+closed.",
        )
    elif copy.seconds > _MOST_SECONDS:
        yield Problem(
            "closed_copy",
            "error",
            f"Copying the files of {facts.database} would take about {duration(copy.seconds)}, with the database "
            f"closed; it is given up after {duration(_MOST_SECONDS)}.",
            "Choose pg_migrate_fence: auto or read_only+closed, or a filesystem that clones files (XFS, Btrfs).",
        )
