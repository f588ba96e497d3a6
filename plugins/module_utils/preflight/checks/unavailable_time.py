# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The predicted time without writes before the migration, compared with the limit, for each kind of fence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...errors import Problem
from ...prediction import Prediction
from ...text import duration
from .check import Facts

_NAME = "unavailable_time"
_MORE = "Allow more (pg_migrate_thresholds.max_unavailable)"


def check(facts: Facts) -> Iterator[Problem]:
    most, found = facts.thresholds.max_unavailable, facts.prediction
    if not most or found is None:
        return
    told = f"{facts.database} would be without writes for {found.writes_told} before the migration itself"
    allowed = f"with the fence {found.kind} ({facts.fence_reason}); at most {duration(most)} are allowed."
    if found.without_writes is None:
        if not found.why_not:
            yield Problem(
                _NAME,
                "warning",
                f"How long {facts.database} will be without writes cannot be predicted: {found.basis}.",
                "Take and prove a backup by itself first (pg_backup, pg_backup_verify); the next preflight goes by it.",
            )
    elif found.without_writes > most:
        yield Problem(_NAME, "error", f"{told} {allowed}", f"{_MORE}, or choose another way of these.")
        yield from (Problem(_NAME, "info", _way(one, most), "") for one in facts.predictions)
    elif found.without_writes_most is not None and found.without_writes_most > most:
        remedy = f"{_MORE}, or migrate when the host is idle."
        yield Problem(_NAME, "warning", f"{told}, the longer the busier the host, {allowed}", remedy)


def _way(one: Prediction, most: float) -> str:
    """What a kind of fence would cost, and what it would need."""
    if one.why_not:
        return f"{one.kind}: not possible, since {one.why_not}."
    beyond = one.without_writes is not None and one.without_writes > most
    too_long = [f"it needs max_unavailable: {math.ceil(one.without_writes or 0)} or more"] if beyond else []
    needs = "; ".join([*too_long, *filter(None, [one.by_hand])])
    return f"{one.kind}: {one.told}{f'; {needs}' if needs else ''}."
