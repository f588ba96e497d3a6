# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logical slots and subscriptions stay with the replaced database when another takes its place."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem


def check(facts: Facts) -> Iterator[Problem]:
    for slot in facts.logical_slots:
        yield Problem(
            "replication",
            "error",
            f"The logical replication slot {slot} belongs to {facts.database}: after a rollback it would stay with the "
            "failed database and hold back the write-ahead log.",
            f"Stop its consumer and drop it: SELECT pg_drop_replication_slot('{slot}')",
        )
    for subscription in facts.subscriptions:
        yield Problem(
            "replication",
            "error",
            f"The subscription {subscription} of {facts.database} would go on in the failed database after a rollback.",
            f'Drop it before, and create it again after: DROP SUBSCRIPTION "{subscription}"',
        )
