# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback of this database would not restore, since no dump has it; the proof names the actual differences."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.not_given_back:
        yield Problem(
            "not_given_back",
            "info",
            f"A rollback of {facts.database} would not restore everything: {'; '.join(facts.not_given_back)}.",
            "No action is needed; the question before the migration and the verdict of a rollback repeat it.",
        )
