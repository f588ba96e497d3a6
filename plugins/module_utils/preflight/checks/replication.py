# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logical slots and subscriptions stay with the database that is replaced."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts, Subscription


def check(facts: ServerFacts) -> Iterator[Problem]:
    live = facts.database
    if not live:
        return
    for slot in facts.wal.slots:
        if slot.database == live:
            yield Problem(
                "replication",
                "error",
                f"The logical slot {slot.name} would stay with the replaced database: its consumer would receive no "
                "more changes, and the slot would retain the write-ahead log forever.",
                f"Stop its consumer, then: SELECT pg_drop_replication_slot('{slot.name}')",
            )
    for subscription in facts.subscriptions:
        yield _of(subscription, live)


def _of(subscription: Subscription, live: str) -> Problem:
    name = quoted(subscription.name)
    if subscription.enabled:
        return Problem(
            "replication",
            "error",
            f"The subscription {subscription.name} is enabled: it would keep changing the replaced database.",
            f"In {live}: ALTER SUBSCRIPTION {name} DISABLE; ALTER SUBSCRIPTION {name} SET (slot_name = NONE); "
            f"DROP SUBSCRIPTION {name} (and create it again, after the restore, on the slot that is left)",
        )
    return Problem(
        "replication",
        "warning",
        f"The subscription {subscription.name}, which is disabled, stays with the replaced database.",
        f"After the restore create it again: CREATE SUBSCRIPTION {name} … WITH (create_slot = false)",
    )
