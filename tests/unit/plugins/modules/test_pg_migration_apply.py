# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module that starts a guard, and what it refuses before."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_migration_apply
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import runner


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_set_that_cannot_be_used_fails_before_any_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check_mode: bool
) -> None:
    ran = runner(pg_migration_apply, monkeypatch)(
        check_mode=check_mode, login_db="app", source=str(tmp_path), remote_src=True
    )
    assert ran.failed
    assert "There is no SQL file in" in ran.result["msg"]
