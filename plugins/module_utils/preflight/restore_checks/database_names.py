# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names that databases will be given are free, in use by no other restore, and not too long for the server."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import LONGEST, of_a_run, quoted
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for name in facts.intent.creates:
        length = len(name.encode())
        if not 0 < length <= LONGEST:
            yield Problem(
                "database_names",
                "error",
                f"The name {name!r} has {length} bytes; a database name must have 1 to {LONGEST}.",
                "Choose a shorter name." if name else "Choose a name.",
            )
    for taken in facts.taken:
        if taken.in_use:
            yield Problem("database_names", "error", taken.in_use, "Wait for it to end.")
        elif not taken.leftover:
            yield Problem(
                "database_names",
                "error",
                f"A database {taken.name} exists already, and was not left by an interrupted restore.",
                _remedy(taken.name),
            )


def _remedy(name: str) -> str:
    """The names that a rollback needs cannot be chosen."""
    if not of_a_run(name):
        return "Choose another name."
    return f"Rename that database: ALTER DATABASE {quoted(name)} RENAME TO {quoted(f'{name[:50]}_aside')}"
