"""The files of the one backup, after a migration and a second run that found nothing to do."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pytest
from testinfra.host import Host

import pgserver

REFERENCE = (
    "full_backup.dump",
    "full_backup.sql.gz",
    "community_members.csv",
    "member_embeddings.csv",
    "manifest.txt",
    "audit_report.txt",
    "verification_report.txt",
)
OURS = ("manifest.json", "SHA256SUMS", "globals.sql")
UNLISTED = {"SHA256SUMS", "promotion.json", "verification_report.txt", "verification_report.json"}
"""Written after the checksums."""


@pytest.fixture(scope="module")
def backup(host: Host, backup_root: Path) -> Path:
    return Path(host.file(str(backup_root / "community_connect" / "latest")).linked_to)


def text(host: Host, path: Path) -> str:
    return str(host.file(str(path)).content_string)


def test_the_second_run_made_no_second_backup(host: Host, backup: Path) -> None:
    assert backup.name.startswith("migration_")
    assert sorted(host.file(str(backup.parent)).listdir()) == ["latest", backup.name]


@pytest.mark.parametrize("name", [*REFERENCE, *OURS])
def test_the_file_exists_and_is_not_empty(host: Host, backup: Path, name: str) -> None:
    file = host.file(str(backup / name))
    assert file.is_file
    assert file.size > 0


@pytest.mark.parametrize(
    "strangers", ["-type d ! -perm 0700", "-type f ! -perm 0600", f"! -user {os.geteuid()}", "! -type d ! -type f"]
)
def test_backups_belong_to_their_owner_alone(host: Host, backup_root: Path, strangers: str) -> None:
    found = host.check_output(f"find %s ! -name latest {strangers}", str(backup_root))
    assert found == ""


def test_sha256sum_agrees(host: Host, backup: Path) -> None:
    host.check_output("cd %s && sha256sum --check --strict --quiet SHA256SUMS", str(backup))


def test_every_file_has_a_checksum(host: Host, backup: Path) -> None:
    listed = {line.split("  ", 1)[1] for line in text(host, backup / "SHA256SUMS").splitlines()}
    assert listed == set(host.file(str(backup)).listdir()) - UNLISTED - {f"{backup.name}.log"}


def test_the_log_of_the_run_tells_how_it_ended(host: Host, backup: Path) -> None:
    log = text(host, backup / f"{backup.name}.log")
    assert "VERDICT   MIGRATED and verified" in log
    assert "MIGRATE   Applied 005_constrain_members.sql" in log


def test_the_script_decompresses(host: Host, backup: Path) -> None:
    host.check_output("gunzip -t %s", str(backup / "full_backup.sql.gz"))


def test_the_archive_lists_the_members(host: Host, backup: Path, server: pgserver.Server) -> None:
    listed = host.check_output("%s --list %s", str(server.bin_dir / "pg_restore"), str(backup / "full_backup.dump"))
    assert "TABLE DATA public community_members postgres" in listed


def test_the_csv_holds_every_member(host: Host, backup: Path) -> None:
    content = text(host, backup / "community_members.csv")
    assert len(list(csv.DictReader(content.splitlines(keepends=True)))) == 1247


def test_the_manifest_is_readable_and_complete(host: Host, backup: Path) -> None:
    manifest = json.loads(text(host, backup / "manifest.json"))
    assert manifest["backup_type"] == "pre-migration"
    sizes = {file["name"]: file["size"] for file in manifest["files"]}
    assert sizes == {name: host.file(str(backup / name)).size for name in sizes}
    assert {*REFERENCE, "globals.sql"} - {*sizes, *UNLISTED} == set()


def test_the_manifest_for_people_has_the_checksum_and_how_to_restore(host: Host, backup: Path) -> None:
    manifest = text(host, backup / "manifest.txt")
    assert f"{host.file(str(backup / 'full_backup.dump')).sha256sum}  full_backup.dump" in manifest
    assert "Restore by hand" in manifest


def test_the_audit_report_counts_rows(host: Host, backup: Path) -> None:
    assert re.search(r"public\.community_members +1,247\n", text(host, backup / "audit_report.txt"))


def test_the_verification_report_counts_rows_and_passed(host: Host, backup: Path) -> None:
    report = text(host, backup / "verification_report.txt")
    assert re.search(r"^Verdict +PASSED$", report, re.MULTILINE)
    assert re.search(r"public\.community_members +1,247 -> +-\s", report)
    assert re.search(r"public\.members +- -> +1,247 +new\n", report)
    told = json.loads(text(host, backup / "verification_report.json"))
    (moved,) = [table for table in told["tables"] if table["table"] == "public.community_members"]
    assert (told["passed"], moved["before"], moved["after"], moved["problem"]) == (True, 1247, None, "")


def test_no_file_tells_the_password(host: Host, backup_root: Path, server: pgserver.Server) -> None:
    assert host.run("grep -raFl -f %s %s", str(server.password_file), str(backup_root)).rc == 1


@pytest.mark.parametrize("pattern", [r"SCRAM-SHA-256\$", "PASSWORD '", "PGPASSWORD=", "://[^/@ ]*:[^/@ ]*@"])
def test_nothing_that_looks_like_a_password_is_in_what_people_read(host: Host, backup: Path, pattern: str) -> None:
    names = ["manifest.txt", "manifest.json", "audit_report.txt", "verification_report.txt", "globals.sql"]
    assert host.run("cd %s && grep -El -e %s " + " ".join(names), str(backup), pattern).rc == 1
