# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes outside the database since the backup: no restore of a database undoes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for kind, line in facts.changed:
        yield Problem(
            "cluster_objects",
            # Databases come and go beside this one; a role or a tablespace is what its objects rest on.
            "info" if kind == "database" else "warning",
            f"Outside the database, since the backup: {line}. A restore does not undo that.",
            f"If the migration did it, undo it by hand (how it was: {facts.intent.globals_file})."
            if kind != "database"
            else "If the migration did it, undo it by hand.",
        )
