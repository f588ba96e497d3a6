# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long the database is read-only while the backup is taken and proven, as measured, against the limit."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...text import duration
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    seconds, most = facts.unavailable_seconds, facts.thresholds.max_unavailable
    if not most or not facts.read_only_fence:
        return
    if seconds is None:
        yield Problem(
            "unavailable_time",
            "warning",
            f"How long {facts.database} will be read-only cannot be predicted: there is no measurement yet.",
            "Take and prove a backup by itself first (pg_backup, pg_backup_verify); the next preflight goes by it.",
        )
    elif seconds > most:
        yield Problem(
            "unavailable_time",
            "error",
            f"{facts.database} would be read-only for about {duration(seconds)} until the backup is proven; at most "
            f"{duration(most)} are allowed.",
            "Allow more (max_unavailable), choose fence: closed, a lower level or fingerprint: sampled, or raise jobs.",
        )
    elif facts.unavailable_most is not None and facts.unavailable_most > most:
        yield Problem(
            "unavailable_time",
            "warning",
            f"{facts.database} may be read-only for up to {duration(facts.unavailable_most)} on a slow host, with "
            f"the starts of tasks and guards; {duration(most)} are allowed.",
            "Allow more (max_unavailable), or migrate when the host is idle.",
        )
