# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify on a server: a whole backup reaches each level, a damaged one is found at the level that can see it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed, NotABackup, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs.verify import BackupNotProven
from ansible_collections.pgsafe.migration.plugins.module_utils.model import LEVELS
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server import forgery
from ansible_collections.pgsafe.migration.tests.server.forgery import Facts, found, verified
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, events
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

CSV = "customers.csv"
FILES = (manifest.ARCHIVE, manifest.SCRIPT, CSV, "globals.sql", manifest.MANIFEST_TEXT)


@pytest.fixture
def stored(database: Database, backup_root: Path) -> Path:
    """The directory of a backup of the database."""
    return back_up(database, backup_root).directory


@pytest.mark.every_major
@pytest.mark.parametrize("level", LEVELS)
def test_a_whole_backup_reaches_each_level(database: Database, stored: Path, level: str) -> None:
    verdict = verified(database, stored, level)
    assert (verdict.reached, verdict.findings) == (level, ())
    assert list(verdict.seconds) == list(LEVELS[: LEVELS.index(level) + 1])
    assert {step.partition(": ")[0] for step in verdict.steps} == set(verdict.seconds)
    assert events(stored)[-1] == "verified"
    assert (stored.parent / "latest").resolve() == stored


def test_a_function_that_a_restore_cannot_run_is_named_with_what_fixes_it(
    database: Database, backup_root: Path
) -> None:
    database.sql(
        "CREATE FUNCTION helper(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
        "CREATE FUNCTION helped(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper($1); END';"
        "CREATE TABLE by_path (id integer CHECK (helped(id))); INSERT INTO by_path VALUES (1)"
    )
    refused = verified(database, back_up(database, backup_root).directory, "restore")
    error = BackupNotProven(refused, {}, "a backup")
    fix = "ALTER FUNCTION public.helped(integer) SET search_path = "
    assert fix in error.remedy, str(error)
    database.sql(f"{fix} public")
    assert verified(database, back_up(database, backup_root).directory, "restore").findings == ()


def test_a_backup_is_whole_wherever_it_was_copied_to_and_without_its_journal(
    database: Database, stored: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "elsewhere" / "copy"
    shutil.copytree(stored, copied)
    database.admin(f"ALTER DATABASE {database.name} RENAME TO {database.name}_gone")
    assert found(database, copied) == "restore: "


def test_a_backup_whose_clock_ticks_while_it_is_sealed_is_whole(
    database: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count(10)
    monkeypatch.setattr(backup, "now", lambda: f"2026-11-24T00:00:{next(ticks)}Z")
    stored = back_up(database, backup_root).directory
    assert found(database, stored, "checksum") == "checksum: "


@pytest.mark.fault(28)
@pytest.mark.parametrize("position", [0.0, 0.5, 1.0], ids=["head", "middle", "tail"])
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_by_its_checksum(database: Database, stored: Path, name: str, position: float) -> None:
    forgery.flip_at(stored / name, position)
    assert found(database, stored, "checksum") == f"none: {name}: has another SHA-256 than the manifest"
    assert not (stored.parent / "latest").exists()


@pytest.mark.fault(29)
@pytest.mark.fault(30)
@pytest.mark.fault(31)
@pytest.mark.parametrize("name", FILES)
def test_a_cut_an_empty_and_a_missing_file_are_found(database: Database, stored: Path, name: str) -> None:
    whole = (stored / name).read_bytes()
    forgery.cut(stored / name, len(whole) - 1)
    assert f"{name}: has {len(whole) - 1:,} bytes instead of {len(whole):,}" in found(database, stored, "checksum")
    forgery.cut(stored / name, 0)
    assert f"{name}: has 0 bytes instead of {len(whole):,}" in found(database, stored, "checksum")
    (stored / name).unlink()
    assert f"{name}: is missing" in found(database, stored, "checksum")


def test_every_finding_is_told_not_the_first_alone(database: Database, stored: Path) -> None:
    forgery.flip_at(stored / manifest.ARCHIVE, 0.5)
    (stored / CSV).unlink()
    told = found(database, stored)
    assert f"{CSV}: is missing" in told
    assert f"{manifest.ARCHIVE}: has another SHA-256" in told


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", ["notes.txt", "migration_20000101_000000.log"])
def test_a_file_too_many_is_found(database: Database, stored: Path, name: str) -> None:
    """The log of the run itself belongs there, that of another one does not."""
    assert len(list(stored.glob("migration_*.log"))) == 1
    (stored / name).write_text("mine")
    (stored / name).chmod(0o600)
    assert found(database, stored) == f"none: {name}: does not belong to this backup"


@pytest.mark.fault(35)
@pytest.mark.parametrize("name", [CSV, manifest.CHECKSUMS])
def test_a_link_in_place_of_a_file_is_found(database: Database, stored: Path, tmp_path: Path, name: str) -> None:
    (stored / name).rename(tmp_path / name)
    (stored / name).symlink_to(tmp_path / name)
    assert found(database, stored) == f"none: {name}: is not an ordinary file"


@pytest.mark.fault(39)
@pytest.mark.parametrize("name", [CSV, manifest.ARCHIVE, manifest.CHECKSUMS])
def test_a_pipe_in_place_of_a_file_is_found_and_not_waited_for(database: Database, stored: Path, name: str) -> None:
    (stored / name).unlink()
    os.mkfifo(stored / name, 0o600)
    assert found(database, stored) == f"none: {name}: is not an ordinary file"


@pytest.mark.fault(37)
def test_modes_that_let_others_read_are_found(database: Database, stored: Path) -> None:
    (stored / manifest.ARCHIVE).chmod(0o640)
    assert f"{manifest.ARCHIVE}: is open to other users (mode 0640)" in found(database, stored, "checksum")
    (stored / manifest.ARCHIVE).chmod(0o600)
    stored.chmod(0o750)
    assert "is open to other users" in found(database, stored, "checksum")


@pytest.mark.fault(37)
def test_a_mode_that_has_lost_its_owner_s_right_is_found(database: Database, stored: Path) -> None:
    (stored / manifest.ARCHIVE).chmod(0o000)
    assert f"{manifest.ARCHIVE}: cannot be read by its owner (mode 0000)" in found(database, stored, "checksum")


@pytest.mark.fault(36)
def test_a_list_of_checksums_of_another_run_is_found(database: Database, stored: Path, backup_root: Path) -> None:
    other = back_up(database, backup_root).directory
    (stored / manifest.CHECKSUMS).write_bytes((other / manifest.CHECKSUMS).read_bytes())
    assert found(database, stored) == "none: SHA256SUMS: does not agree with the manifest"
    (stored / manifest.CHECKSUMS).write_bytes(b"\xff")
    assert found(database, stored).startswith("none: SHA256SUMS: ")
    (stored / manifest.CHECKSUMS).unlink()
    assert found(database, stored) == "none: SHA256SUMS: is missing"


@pytest.mark.fault(34)
def test_a_description_that_says_something_else_than_the_manifest_is_found_though_its_checksum_agrees(
    database: Database, stored: Path
) -> None:
    forgery.rewrite(stored / manifest.MANIFEST_TEXT, lambda text: text.replace(b"createdb -T", b"dropdb -T"))
    forgery.seal(stored, render=False)
    assert found(database, stored) == "none: manifest.txt: does not agree with the manifest"


@pytest.mark.fault(31)
@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("name", "told"),
    [
        (CSV, "manifest.json: lists 0 CSVs of the table public.customers"),
        (manifest.SCRIPT, f"manifest.json: does not list {manifest.SCRIPT} once as its sql"),
        ("globals.sql", "manifest.json: does not list globals.sql once as its globals"),
    ],
)
def test_a_file_that_was_struck_from_the_manifest_is_missed(
    database: Database, stored: Path, name: str, told: str
) -> None:
    def strike(facts: Facts) -> None:
        facts["files"] = [entry for entry in facts["files"] if entry["name"] != name]

    forgery.seal(stored, strike)
    (stored / name).unlink()
    assert found(database, stored) == f"none: {told}"


@pytest.mark.fault(38)
def test_trailing_garbage_behind_the_script_is_found_though_the_checksums_agree(
    database: Database, stored: Path
) -> None:
    with (stored / manifest.SCRIPT).open("ab") as script:
        script.write(b"garbage")
    assert f"{manifest.SCRIPT}: has " in found(database, stored)
    forgery.seal(stored)
    assert found(database, stored, "decode").startswith(f"checksum: {manifest.SCRIPT}: ")


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("name", "position"),
    [(manifest.ARCHIVE, 0.9), (manifest.SCRIPT, 0.3), (manifest.SCRIPT, 0.6), (manifest.SCRIPT, 0.9)],
)
def test_a_flipped_bit_that_the_checksums_agree_with_is_found_by_decoding(
    database: Database, stored: Path, name: str, position: float
) -> None:
    forgery.flip_at(stored / name, position)
    forgery.seal(stored)
    assert found(database, stored, "decode").startswith("checksum: full_backup.")


@pytest.mark.fault(34)
@pytest.mark.parametrize("name", [manifest.ARCHIVE, manifest.SCRIPT, CSV])
def test_a_cut_tail_that_the_checksums_agree_with_is_found_by_decoding(
    database: Database, stored: Path, name: str
) -> None:
    forgery.cut(stored / name, (stored / name).stat().st_size * 3 // 4)
    forgery.seal(stored)
    assert found(database, stored, "decode").startswith(f"checksum: {name}: ")


@pytest.mark.fault(34)
def test_a_damaged_archive_does_not_hide_a_damaged_script(database: Database, stored: Path) -> None:
    for name in (manifest.ARCHIVE, manifest.SCRIPT):
        forgery.cut(stored / name, (stored / name).stat().st_size // 2)
    forgery.seal(stored)
    told = found(database, stored)
    assert f"{manifest.ARCHIVE}: " in told
    assert f"{manifest.SCRIPT}: " in told


@pytest.mark.fault(34)
@pytest.mark.every_major
def test_a_script_of_another_content_is_found_by_decoding(database: Database, stored: Path) -> None:
    forgery.rewrite(stored / manifest.SCRIPT, lambda text: text.replace(b"name 7\t", b"name x\t"))
    forgery.seal(stored)
    told = found(database, stored, "decode")
    assert told.startswith(f"checksum: {manifest.SCRIPT}: is not what the archive says, from its line ")


@pytest.mark.fault(34)
def test_a_script_may_have_another_random_key_than_the_archive_gives_today(database: Database, stored: Path) -> None:
    keyed: list[bool] = []

    def other_key(text: bytes) -> bytes:
        lines = text.split(b"\n")
        keys = [line for line in lines if line.startswith((b"\\restrict ", b"\\unrestrict "))]
        keyed.append(len(keys) == 2)
        return b"\n".join(line[:-1] + b"0" if line in keys else line for line in lines)

    forgery.rewrite(stored / manifest.SCRIPT, other_key)
    forgery.seal(stored)
    assert keyed == [True]
    assert found(database, stored, "decode") == "decode: "


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"7,name 7,", b"7,name x,"),
        (b"3,name 3,\\.,", b'3,name 3,"\\.",'),
        (b"4,name 4,,infinity", b'4,name 4,"",infinity'),
    ],
    ids=["another value", "another quoting", "an empty string for NULL"],
)
def test_a_csv_of_another_content_is_found_by_restoring(
    database: Database, stored: Path, old: bytes, new: bytes
) -> None:
    assert old in (stored / CSV).read_bytes()
    forgery.rewrite(stored / CSV, lambda text: text.replace(old, new))
    forgery.seal(stored)
    assert found(database, stored) == f"decode: {CSV}: does not hold the rows of the restored table public.customers"


def test_a_csv_of_another_order_is_the_same(database: Database, stored: Path) -> None:
    def reverse(text: bytes) -> bytes:
        header, *records = text.splitlines(keepends=True)
        return b"".join([header, *reversed(records)])

    csv_name = "orders.csv"
    before = (stored / csv_name).read_bytes()
    forgery.rewrite(stored / csv_name, reverse)
    assert (stored / csv_name).read_bytes() != before
    forgery.seal(stored)
    assert found(database, stored) == "restore: "


@pytest.mark.fault(34)
def test_a_load_command_that_does_something_else_is_found(database: Database, stored: Path) -> None:
    def redirect(facts: Facts) -> None:
        (entry,) = [entry for entry in facts["files"] if entry["name"] == CSV]
        entry["load"] = entry["load"].replace('"customers"', '"orders"', 1)

    forgery.seal(stored, redirect)
    assert f"{CSV}: has a load command in the manifest that does not load it" in found(database, stored)


@pytest.mark.fault(34)
def test_another_content_that_everything_else_agrees_with_is_found_by_restoring(
    database: Database, stored: Path, backup_root: Path
) -> None:
    database.sql("UPDATE customers SET note = 'altered' WHERE id = 7")
    other = back_up(database, backup_root).directory
    for name in (manifest.ARCHIVE, manifest.SCRIPT, CSV):
        (stored / name).write_bytes((other / name).read_bytes())
    forgery.seal(stored)
    told = "restores to something else: table public.customers has other content in its 60 rows"
    assert found(database, stored) == f"decode: {manifest.ARCHIVE}: {told}"


@pytest.mark.fault(34)
@pytest.mark.every_major
def test_a_large_object_of_another_content_is_found_by_restoring(database: Database, backup_root: Path) -> None:
    """Of 3 MiB, so that it is read in pieces; the last byte differs."""
    number = database.sql("SELECT lo_from_bytea(0, convert_to(repeat('x', 3000000), 'UTF8'))")
    database.sql("SELECT lo_create(0)")
    stored = back_up(database, backup_root).directory
    database.sql(f"SELECT lo_put({number}, 2999999, 'y')")
    other = back_up(database, backup_root).directory
    assert found(database, stored) == "restore: "
    for name in (manifest.ARCHIVE, manifest.SCRIPT):
        (stored / name).write_bytes((other / name).read_bytes())
    forgery.seal(stored)
    assert f"restores to something else: large object {number} has other content in its 3,000,000 bytes" in found(
        database, stored
    )


@pytest.mark.fault(34)
@pytest.mark.fault(58)
def test_a_script_of_another_content_never_replaces_the_live_database(database: Database, stored: Path) -> None:
    forgery.rewrite(stored / manifest.SCRIPT, lambda text: text.replace(b"name 7\t", b"name x\t"))
    forgery.seal(stored)
    forgery.flip_at(stored / manifest.ARCHIVE, 0.5)
    database.sql("DELETE FROM orders")
    harmed = database.fingerprint()
    with pytest.raises(Refused, match=r"table public\.customers has other content in its 60 rows"):
        restore.run(requests.restore(database.target, stored))
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
    "lacking a part": (_edited(lambda text: text.replace('"identity"', '"identitaet"')), "lacks or garbles"),
    "a number for a text": (_edited(lambda text: text.replace('"content": "', '"content": 7, "x": "', 1)), "garbles"),
    "a text for a number": (_edited(lambda text: text.replace('"rows": 60', '"rows": "60"')), ".rows is '60'"),
    "garbling a part": (_edited(lambda text: text.replace('"content_checksum"', '"content"')), "garbles"),
}

OUTSIDE: dict[str, tuple[Callable[[Path], object], str]] = {
    "path traversal": (_edited(lambda text: text.replace(f'"{CSV}"', '"../x.csv"')), "names a file outside"),
    "absolute path": (_edited(lambda text: text.replace(f'"{CSV}"', '"/etc/passwd"')), "names a file outside"),
}


def _require_unusable(database: Database, stored: Path, case: tuple[Callable[[Path], object], str]) -> None:
    spoil, told = case
    spoil(stored / manifest.MANIFEST)
    with pytest.raises((NotABackup, FileFailed)) as caught:
        verified(database, stored)
    assert told in str(caught.value)
    assert "Nothing was changed." in str(caught.value)


@pytest.mark.fault(33)
@pytest.mark.parametrize("case", list(UNUSABLE))
def test_a_manifest_that_cannot_be_trusted_is_no_backup(database: Database, stored: Path, case: str) -> None:
    _require_unusable(database, stored, UNUSABLE[case])


@pytest.mark.fault(35)
@pytest.mark.parametrize("case", list(OUTSIDE))
def test_a_manifest_that_names_a_file_outside_is_no_backup(database: Database, stored: Path, case: str) -> None:
    _require_unusable(database, stored, OUTSIDE[case])


@pytest.mark.fault(35)
def test_a_manifest_that_is_a_link_is_no_backup(database: Database, stored: Path, tmp_path: Path) -> None:
    (stored / manifest.MANIFEST).rename(tmp_path / manifest.MANIFEST)
    (stored / manifest.MANIFEST).symlink_to(tmp_path / manifest.MANIFEST)
    with pytest.raises(NotABackup, match=r"it has no manifest\.json"):
        verified(database, stored)


@pytest.mark.fault(40)
@pytest.mark.parametrize("version", ["1.1", "2.0", "0.9"])
def test_a_backup_of_another_version_of_the_format_is_refused_with_what_to_do(
    database: Database, stored: Path, version: str
) -> None:
    older = _edited(lambda text: text.replace('"format_version": "1.0"', f'"format_version": "{version}"'))
    _require_unusable(database, stored, (older, f"has the format version '{version}'; this release reads 1.0"))
    with pytest.raises(NotABackup, match="Use the release of pgsafe"):
        verify.plan(requests.verify(database.target, stored))


def test_a_failed_restore_drops_its_scratch_database(database: Database, stored: Path) -> None:
    def recount(facts: Facts) -> None:
        facts["fingerprint"]["tables"]["public.customers"].update(content="1:2")

    forgery.seal(stored, recount)
    assert "table public.customers has other content in its 60 rows" in found(database, stored)


@pytest.mark.fault(33)
def test_a_flipped_bit_in_the_manifest_is_never_passed_over(database: Database, stored: Path) -> None:
    whole = (stored / manifest.MANIFEST).read_bytes()
    for step in range(1, 20):
        forgery.flip_at(stored / manifest.MANIFEST, step / 20)
        with contextlib.suppress(NotABackup, FileFailed):
            assert verified(database, stored, "checksum").findings != ()
        (stored / manifest.MANIFEST).write_bytes(whole)
