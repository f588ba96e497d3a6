# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proving a backup: what can be said without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.modules import pg_backup_verify
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import runner
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST


def test_in_check_mode_a_backup_that_is_not_taken_yet_is_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = runner(pg_backup_verify, monkeypatch)(check_mode=True, backup_dir="", level="decode")
    assert not ran.failed
    assert (ran.result["changed"], ran.result["reached"], ran.result["findings"]) == (False, "", [])
    assert ran.result["console"] == ["[ ] The backup would be verified to the level decode"]


def test_in_check_mode_a_directory_that_is_no_backup_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = runner(pg_backup_verify, monkeypatch)(check_mode=True, backup_dir=str(tmp_path))
    assert ran.failed
    assert "is no complete backup" in ran.result["msg"]


@pytest.fixture
def backup_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "app" / f"migration_{MANIFEST.run_id}"
    directory.mkdir(mode=0o700, parents=True)
    (directory / manifests.MANIFEST).write_text(manifests.to_json(MANIFEST))
    (directory / "stranger").write_text("x")
    return directory


def test_a_backup_that_is_not_whole_fails_with_every_finding(monkeypatch: pytest.MonkeyPatch, backup_dir: Path) -> None:
    ran = runner(pg_backup_verify, monkeypatch)(backup_dir=str(backup_dir), level="checksum")
    assert ran.failed
    assert ran.result["reached"] == ""
    assert "members.csv: is missing" in ran.result["findings"]
    assert "stranger: does not belong to this backup" in ran.result["findings"]
    assert "manifest.json: is open to other users (mode 0644)" in ran.result["findings"]
    assert "Take a new backup." in ran.result["msg"]
    assert ran.result["console"] == [f"[✗] {line}" for line in ran.result["findings"]]


def test_findings_do_not_fail_whoever_wants_only_to_look(monkeypatch: pytest.MonkeyPatch, backup_dir: Path) -> None:
    ran = runner(pg_backup_verify, monkeypatch)(backup_dir=str(backup_dir), level="checksum", fail=False)
    assert not ran.failed
    assert "members.csv: is missing" in ran.result["findings"]
