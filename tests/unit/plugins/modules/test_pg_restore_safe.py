# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rolling back: what can be said without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_restore_safe
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import runner


@pytest.mark.parametrize("check_mode", [True, False])
def test_without_a_backup_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    ran = runner(pg_restore_safe, monkeypatch)(check_mode=check_mode, backup_dir="")
    assert ran.failed
    assert ran.result["msg"].startswith("No backup is named.")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_directory_that_is_no_backup_is_never_restored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check_mode: bool
) -> None:
    ran = runner(pg_restore_safe, monkeypatch)(check_mode=check_mode, backup_dir=str(tmp_path))
    assert ran.failed
    assert "is no complete backup" in ran.result["what_failed"]
