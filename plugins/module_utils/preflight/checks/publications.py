# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publications come back with a rollback, but their subscribers would follow the replaced database."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.publications:
        yield Problem(
            "publications",
            "warning",
            f"{facts.database} publishes {', '.join(facts.publications)}: after a rollback a subscriber needs a new "
            "slot and a fresh copy.",
            "See who subscribes: SELECT slot_name, active FROM pg_replication_slots WHERE slot_type = 'logical'",
        )
