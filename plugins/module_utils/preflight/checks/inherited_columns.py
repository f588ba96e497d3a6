# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A restore puts the inherited columns of a table first; where they are not, their order would change."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import first_few
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.reordered_tables:
        tables = first_few(facts.reordered_tables, 10)
        yield Problem(
            "inherited_columns",
            "error",
            f"A rollback would put the columns of {tables} in another order; an INSERT or COPY that does not name "
            "its columns would then write into the wrong ones.",
            "Make the order that of a restore: CREATE TABLE ... (LIKE ...) INHERITS (...), move the rows, and swap the "
            "names. If all statements name their columns, waive the check inherited_columns.",
        )
