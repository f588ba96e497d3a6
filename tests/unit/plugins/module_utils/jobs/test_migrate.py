# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a failed migration returns beside its message."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import migrate as job
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import RestoreState, Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import MigrationFailed, Outcome
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.rollback import Restored

ROLLED_BACK = Restored(RestoreState.ROLLED_BACK, "app", "archive", "app__failed_1", (), 3, {}, 4.2)


@pytest.mark.parametrize(
    ("verdict", "rollback", "changed"),
    [
        ("rolled_back", ROLLED_BACK, True),
        ("rollback_failed", None, True),
        ("failed_unchanged", ROLLED_BACK, False),
        ("held", None, True),
    ],
)
def test_a_failed_migration_returns_its_verdict_and_what_was_done(
    verdict: str, rollback: Restored | None, changed: bool
) -> None:
    outcome = Outcome(Verdict(verdict), ("a.sql",), 1, 7, 4.2, rollback=rollback)
    found = job.failure(MigrationFailed(PgsafeError("It broke."), outcome, "state", "remedy"))
    assert (found["verdict"], found["changed"], found["applied"]) == (verdict, changed, ["a.sql"])
    assert (found["what_failed"], found["writes_since_backup"]) == ("It broke.", 7)
    assert bool(found["rollback"]) == (rollback is not None)
    assert found["console"]


def test_a_refusal_returns_no_verdict() -> None:
    found = job.failure(PgsafeError("It was refused."))
    assert found == PgsafeError("It was refused.").facts()
