# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts for people say the numbers they were given, in words that can be followed."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import text as report
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.0K"),
        (10 * 1024, "10K"),
        (256_901_120, "245M"),
        (3 << 30, "3.0G"),
        (5000 << 40, "5000T"),
    ],
)
def test_a_size_is_as_short_as_du_writes_it(count: int, text: str) -> None:
    assert report.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.21, "4.2 s"),
        (60, "1 min 0 s"),
        (200.4, "3 min 20 s"),
        (3599.9, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_as_people_say_it(seconds: float, text: str) -> None:
    assert report.duration(seconds) == text


def test_the_manifest_tells_each_file_with_its_size_and_rows() -> None:
    text = report.manifest(MANIFEST)
    assert "1.0M  full_backup.dump\n" in text
    assert "2.0K  members.csv\n          rows of public.members (3 rows)\n" in text
    assert f"{'a' * 64}  full_backup.dump" in text
    assert "public.recent: view" in text
    assert "a session waited" in text
    assert "2026-11-16 14:30:22 UTC" in text


def test_the_manifest_s_instructions_name_the_files_that_are_there() -> None:
    lines = report.manifest(MANIFEST).splitlines()
    (check,) = [line for line in lines if "sha256sum" in line]
    assert shlex.split(check)[-3:] == ["sha256sum", "-c", manifests.CHECKSUMS]
    assert any(line.endswith(f"-d RESTORED_DATABASE {manifests.ARCHIVE}") for line in lines)
    assert any(f"gunzip -c {manifests.SCRIPT} |" in line for line in lines)
    assert "   \\copy x" in lines


def test_a_manifest_without_tables_still_tells_how_to_restore() -> None:
    bare = replace(MANIFEST, files=(), left_out={}, warnings=(), fingerprint=replace(MANIFEST.fingerprint, tables={}))
    text = report.manifest(bare)
    assert "  no tables\n" in text
    assert "no archive" in text
    assert "Without a CSV" not in text
    assert "Warnings" not in text
    assert "\\copy" not in text


def test_a_compression_without_a_checksum_of_its_content_is_told() -> None:
    plain = replace(MANIFEST, compression={"method": "zstd", "level": 3, "content_checksum": False})
    assert "archive zstd level 3; its blocks carry no checksum" in report.manifest(plain)
    assert "carry no checksum" not in report.manifest(MANIFEST)


@pytest.mark.parametrize("text", [report.manifest(MANIFEST)])
def test_a_text_ends_with_a_line_feed_and_none_of_its_lines_with_a_blank(text: str) -> None:
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_of_many_texts_a_few_are_named_and_the_others_counted() -> None:
    assert report.first_few(["a", "b"], 2) == "a, b"
    assert report.first_few(["a", "b", "c", "d"], 2) == "a, b and 2 more"
