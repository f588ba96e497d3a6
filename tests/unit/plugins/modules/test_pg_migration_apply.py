# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a failed migration returns beside its message."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import MigrationFailed, Outcome
from ansible_collections.pgsafe.migration.plugins.module_utils.rollback import Restored
from ansible_collections.pgsafe.migration.plugins.modules import pg_migration_apply
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import runner

ROLLED_BACK = Restored("rolled_back", "app", "archive", "app__failed_1", (), 3, {}, 4.2)


@pytest.mark.parametrize(
    ("verdict", "rollback", "changed"),
    [
        ("rolled_back", ROLLED_BACK, True),
        ("rollback_failed", None, True),
        ("unchanged", ROLLED_BACK, False),
        ("held", None, True),
    ],
)
def test_a_failed_migration_returns_its_verdict_and_what_was_done(
    verdict: str, rollback: Restored | None, changed: bool
) -> None:
    outcome = Outcome(verdict, ("a.sql",), 1, 7, 4.2, rollback=rollback)
    found = pg_migration_apply.failure(MigrationFailed(PgsafeError("It broke."), outcome, "state", "remedy"))
    assert (found["verdict"], found["changed"], found["applied"]) == (verdict, changed, ["a.sql"])
    assert (found["what_failed"], found["writes_since_backup"]) == ("It broke.", 7)
    assert bool(found["rollback"]) == (rollback is not None)
    assert found["console"]


def test_a_refusal_returns_no_verdict() -> None:
    found = pg_migration_apply.failure(PgsafeError("It was refused."))
    assert found == PgsafeError("It was refused.").facts()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_set_that_cannot_be_used_fails_before_any_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check_mode: bool
) -> None:
    ran = runner(pg_migration_apply, monkeypatch)(
        check_mode=check_mode, login_db="app", source=str(tmp_path), remote_src=True
    )
    assert ran.failed
    assert "There is no SQL file in" in ran.result["msg"]
