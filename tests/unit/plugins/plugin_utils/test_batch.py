# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts of a batch failed, by the facts that the role has set."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils import batch


@pytest.mark.parametrize(
    ("facts", "failed"),
    [
        ({"pg_migrate_verdict": "migrated"}, []),
        ({"pg_migrate_verdict": "unchanged"}, []),
        # It ended well, and another host of the batch is the cause.
        ({"pg_migrate_verdict": "rolled_back_with_batch"}, []),
        ({"pg_migrate_verdict": "failed_unchanged"}, ["db1 (failed unchanged)"]),
        ({"pg_migrate_verdict": "held"}, ["db1 (held)"]),
        ({"pg_migrate_verdict": "mended"}, ["db1 (unknown)"]),
        ({}, ["db1 (not reached)"]),
    ],
)
def test_a_host_without_a_good_verdict_has_failed(facts: dict[str, Any], failed: list[str]) -> None:
    assert batch.failed(["db1"], {"db1": facts, "of another batch": {}}) == failed


def test_a_host_that_has_not_come_to_the_migration_is_not_ready() -> None:
    facts = {"db1": {"pg_migrate_ready": True}, "db2": {"pg_migrate_ready": False}, "db3": {}}
    assert batch.not_ready(["db1", "db2", "db3"], facts) == ["db2", "db3"]
