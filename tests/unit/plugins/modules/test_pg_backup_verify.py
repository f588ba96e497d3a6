# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proving a backup: what can be said without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.guarded import pg_backup_verify
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
    assert "Fix what the error names; take a new backup where a file of this one is damaged." in ran.result["msg"]
    assert ran.result["console"] == [f"[✗] {line}" for line in ran.result["findings"]]


def test_findings_do_not_fail_whoever_wants_only_to_look(monkeypatch: pytest.MonkeyPatch, backup_dir: Path) -> None:
    ran = runner(pg_backup_verify, monkeypatch)(backup_dir=str(backup_dir), level="checksum", fail=False)
    assert not ran.failed
    assert "members.csv: is missing" in ran.result["findings"]


def test_in_an_object_store_another_level_is_refused_with_the_commands_that_reach_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "s3://backups/db1/app/migration_20261116_143022"
    for check_mode in (False, True):
        ran = runner(pg_backup_verify, monkeypatch)(
            check_mode=check_mode, store={"url": "s3://backups/db1/"}, backup_dir=f"{url}/", level="restore"
        )
        assert ran.failed
        assert f"{url} is in an object store: only the level checksum can be verified there." in ran.result["msg"]
        fetching = f"pgsafe.migration.fetch -e pg_migrate_store=s3://backups/db1 -e pg_migrate_backup_dir={url}"
        assert f"{fetching} -e pg_migrate_fetch_to=DIRECTORY" in ran.result["msg"]
        assert "pgsafe.migration.verify -e pg_migrate_backup_root=DIRECTORY" in ran.result["msg"]


def test_an_archive_has_no_checksums_to_compare_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "app.dump").write_bytes(b"")
    ran = runner(pg_backup_verify, monkeypatch)(archive=str(tmp_path / "app.dump"), level="checksum")
    assert ran.failed
    assert "has no checksums to compare with" in ran.result["msg"]


def test_in_check_mode_an_archive_is_looked_at_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "app.sql"
    archive.write_text("-- Dumped by pg_dump version 18.6\n")
    ran = runner(pg_backup_verify, monkeypatch)(archive=str(archive), trusted=True, check_mode=True)
    assert ran.result["console"] == ["[ ] The backup would be verified to the level restore"]
    archive.write_text("nothing of that sort")
    refused = runner(pg_backup_verify, monkeypatch)(archive=str(archive), trusted=True, check_mode=True)
    assert "is no dump of pg_dump's" in refused.result["msg"]


def test_a_script_is_decoded_without_a_server_and_says_what_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "app.sql"
    archive.write_text("-- Dumped by pg_dump version 18.6\n--\n-- PostgreSQL database dump complete\n--\n")
    ran = runner(pg_backup_verify, monkeypatch)(archive=str(archive), level="decode")
    assert (ran.result["reached"], ran.result["findings"]) == ("decode", [])
    assert any("no checksums" in note for note in ran.result["notes"])
    assert any(line.startswith("[info] no checksums") for line in ran.result["console"])
    archive.write_text("-- Dumped by pg_dump version 18.6\n--\n")
    failed = runner(pg_backup_verify, monkeypatch)(archive=str(archive), level="decode")
    assert failed.result["findings"] == ["app.sql: has no end marker of a complete dump"]
