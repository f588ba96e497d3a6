# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify on a server: a whole backup reaches each level, a damaged one is found at the level that can see it."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import manifest, restore, verify
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed, NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.files import sha256_of, sha256_of_text
from ansible_collections.pgsafe.migration.plugins.module_utils.model import LEVELS
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, databases, events

CSV = "customers.csv"
FILES = (manifest.ARCHIVE, manifest.SCRIPT, CSV, "globals.sql", manifest.MANIFEST_TEXT)


@pytest.fixture
def stored(database: Database, backup_root: Path) -> Path:
    """The directory of a backup of the database."""
    return back_up(database, backup_root).directory


def verified(database: Database, directory: Path, level: str = "restore") -> verify.Verdict:
    return verify.run(verify.VerifyRequest(database.target, directory, level))


def found(database: Database, directory: Path, level: str = "restore") -> str:
    """What the verification finds, as one text; it must not leave a database behind."""
    around = databases(database.server)
    verdict = verified(database, directory, level)
    assert databases(database.server) == around
    return f"{verdict.reached or 'none'}: " + "; ".join(finding.as_text() for finding in verdict.findings)


def flip(path: Path, position: float) -> None:
    """One bit flipped, at a fraction of the file."""
    content = bytearray(path.read_bytes())
    content[int((len(content) - 1) * position)] ^= 1
    path.write_bytes(content)


def seal(directory: Path, edit: Callable[[dict[str, Any]], None] = lambda _facts: None) -> None:
    """Give the manifest and SHA256SUMS the sizes and hashes that the files have now, as a forger would."""
    facts = json.loads((directory / manifest.MANIFEST).read_text())
    for entry in facts["files"]:
        digest = sha256_of(directory / entry["name"])
        entry["size"], entry["sha256"] = digest.size, digest.sha256
    edit(facts)
    text = json.dumps(facts)
    (directory / manifest.MANIFEST).write_text(text)
    listed = manifest.from_json(text, "manifest.json")
    (directory / manifest.CHECKSUMS).write_text(manifest.checksums(listed, sha256_of_text(text)))


@pytest.mark.every_major
@pytest.mark.parametrize("level", LEVELS)
def test_a_whole_backup_reaches_each_level(database: Database, stored: Path, level: str) -> None:
    verdict = verified(database, stored, level)
    assert (verdict.reached, verdict.findings) == (level, ())
    assert list(verdict.seconds) == list(LEVELS[: LEVELS.index(level) + 1])
    assert events(stored)[-1] == "verified"
    assert (stored.parent / "latest").resolve() == stored


@pytest.mark.parametrize("position", [0.0, 0.5, 1.0], ids=["head", "middle", "tail"])
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_by_its_checksum(database: Database, stored: Path, name: str, position: float) -> None:
    flip(stored / name, position)
    assert found(database, stored, "checksum") == f"none: {name}: has another SHA-256 than the manifest"
    assert not (stored.parent / "latest").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_cut_an_empty_and_a_missing_file_are_found(database: Database, stored: Path, name: str) -> None:
    whole = (stored / name).read_bytes()
    (stored / name).write_bytes(whole[:-1])
    assert f"{name}: has {len(whole) - 1:,} bytes instead of {len(whole):,}" in found(database, stored, "checksum")
    (stored / name).write_bytes(b"")
    assert f"{name}: has 0 bytes instead of {len(whole):,}" in found(database, stored, "checksum")
    (stored / name).unlink()
    assert f"{name}: is missing" in found(database, stored, "checksum")


def test_a_file_too_many_is_found(database: Database, stored: Path) -> None:
    (stored / "notes.txt").write_text("mine")
    (stored / "notes.txt").chmod(0o600)
    assert found(database, stored) == "none: notes.txt: does not belong to this backup"


def test_a_link_in_place_of_a_file_is_found(database: Database, stored: Path, tmp_path: Path) -> None:
    (stored / CSV).rename(tmp_path / CSV)
    (stored / CSV).symlink_to(tmp_path / CSV)
    assert found(database, stored) == f"none: {CSV}: is not an ordinary file"


def test_modes_that_let_others_read_are_found(database: Database, stored: Path) -> None:
    (stored / manifest.ARCHIVE).chmod(0o640)
    assert f"{manifest.ARCHIVE}: is open to other users (mode 0640)" in found(database, stored, "checksum")
    (stored / manifest.ARCHIVE).chmod(0o600)
    stored.chmod(0o750)
    assert "is open to other users" in found(database, stored, "checksum")


def test_a_list_of_checksums_of_another_run_is_found(database: Database, stored: Path, backup_root: Path) -> None:
    other = back_up(database, backup_root).directory
    (stored / manifest.CHECKSUMS).write_bytes((other / manifest.CHECKSUMS).read_bytes())
    assert found(database, stored) == "none: SHA256SUMS: does not agree with the manifest"
    (stored / manifest.CHECKSUMS).unlink()
    assert found(database, stored) == "none: SHA256SUMS: is missing"


def test_trailing_garbage_behind_the_script_is_found_though_the_checksums_agree(
    database: Database, stored: Path
) -> None:
    with (stored / manifest.SCRIPT).open("ab") as script:
        script.write(b"garbage")
    seal(stored)
    assert found(database, stored, "decode").startswith(f"checksum: {manifest.SCRIPT}: ")


@pytest.mark.parametrize("position", [0.3, 0.6, 0.9])
def test_a_flipped_bit_that_the_checksums_agree_with_is_found_by_decoding(
    database: Database, stored: Path, position: float
) -> None:
    flip(stored / manifest.SCRIPT, position)
    seal(stored)
    assert found(database, stored, "decode").startswith(f"checksum: {manifest.SCRIPT}: ")


@pytest.mark.parametrize("name", [manifest.ARCHIVE, manifest.SCRIPT, CSV])
def test_a_cut_tail_that_the_checksums_agree_with_is_found_by_decoding(
    database: Database, stored: Path, name: str
) -> None:
    content = (stored / name).read_bytes()
    (stored / name).write_bytes(content[: len(content) * 3 // 4])
    seal(stored)
    assert found(database, stored, "decode").startswith(f"checksum: {name}: ")


def test_another_content_that_everything_else_agrees_with_is_found_by_restoring(
    database: Database, stored: Path, backup_root: Path
) -> None:
    database.sql("UPDATE customers SET note = 'altered' WHERE id = 7")
    other = back_up(database, backup_root).directory
    for name in (manifest.ARCHIVE, manifest.SCRIPT):
        (stored / name).write_bytes((other / name).read_bytes())
    seal(stored)
    said = found(database, stored)
    assert said.startswith(f"decode: {manifest.ARCHIVE}: does not restore: ")
    assert "table public.customers has other content in its 60 rows" in said


def test_a_script_of_another_content_never_replaces_the_live_database(database: Database, stored: Path) -> None:
    text = gzip.decompress((stored / manifest.SCRIPT).read_bytes()).replace(b"name 7\t", b"name x\t")
    (stored / manifest.SCRIPT).write_bytes(gzip.compress(text))
    seal(stored)
    flip(stored / manifest.ARCHIVE, 0.5)
    database.sql("DELETE FROM orders")
    harmed = database.fingerprint()
    with pytest.raises(Refused, match=r"table public\.customers has other content in its 60 rows"):
        restore.run(restore.RestoreRequest(database.target, stored))
    assert database.fingerprint() == harmed


def _unlink(path: Path) -> None:
    path.unlink()


def _edited(change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda path: path.write_text(change(path.read_text()))


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (_unlink, "it has no manifest.json"),
    "cut": (_edited(lambda text: text[: len(text) // 2]), "is not valid JSON"),
    "empty": (_edited(lambda text: ""), "is not valid JSON"),
    "a list": (_edited(lambda text: "[]"), "has the format version None"),
    "duplicate keys": (_edited(lambda text: '{"format_version": "x",' + text[1:]), "a key occurs twice"),
    "unknown version": (_edited(lambda text: text.replace('"format_version": "', '"format_version": "9')), "reads"),
    "lacking a part": (_edited(lambda text: text.replace('"identity"', '"identitaet"')), "lacks or garbles"),
    "path traversal": (_edited(lambda text: text.replace(f'"{CSV}"', '"../x.csv"')), "names a file outside"),
    "absolute path": (_edited(lambda text: text.replace(f'"{CSV}"', '"/etc/passwd"')), "names a file outside"),
}


@pytest.mark.parametrize("case", list(UNUSABLE))
def test_a_manifest_that_cannot_be_trusted_is_no_backup(database: Database, stored: Path, case: str) -> None:
    spoil, told = UNUSABLE[case]
    spoil(stored / manifest.MANIFEST)
    with pytest.raises((NotABackup, FileFailed)) as caught:
        verified(database, stored)
    assert told in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


def test_a_failed_restore_drops_its_scratch_database(database: Database, stored: Path) -> None:
    seal(stored, lambda facts: facts["fingerprint"]["tables"]["public.orders"].update(rows=499))
    assert "table public.orders has 500 rows instead of 499" in found(database, stored)


def test_a_flipped_bit_in_the_manifest_is_never_passed_over(database: Database, stored: Path) -> None:
    whole = (stored / manifest.MANIFEST).read_bytes()
    for step in range(1, 20):
        flip(stored / manifest.MANIFEST, step / 20)
        with contextlib.suppress(NotABackup, FileFailed):
            assert verified(database, stored, "checksum").findings != ()
        (stored / manifest.MANIFEST).write_bytes(whole)
