# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump that somebody made by hand: it decodes and restores, or it is told why not, and what that does not prove."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed, NotABackup
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import instance, lone_archive
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.findings import BackupProof
from ansible_collections.pgsafe.migration.tests.server import forgery
from ansible_collections.pgsafe.migration.tests.server.backup_support import Roles, dump, new_roles
from ansible_collections.pgsafe.migration.tests.server.support import Database, databases
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

FORMATS = ("custom", "directory", "tar", "plain", "plain.gz")
RESTORED = "restored: 562 rows in 4 tables"


@pytest.fixture
def roles(server: pgserver.Server) -> Iterator[Roles]:
    yield from new_roles(server)


def looked_at(database: Database, path: Path, **options: Any) -> BackupProof:
    """It must not leave a database behind, and must not change the one it was dumped from."""
    around, before = databases(database.server), database.fingerprint()
    limit = forgery.STALL_SECONDS
    asked = requests.archive(database.target, path, stall_limit=limit, trusted=True)
    verdict = lone_archive.run(replace(asked, **options))
    assert databases(database.server) == around
    assert database.fingerprint() == before
    return verdict


def told(verdict: BackupProof) -> str:
    return f"{verdict.reached or 'none'}: " + "; ".join(finding.as_text() for finding in verdict.findings)


@pytest.mark.every_major
@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_dump_of_each_format_restores_and_what_is_not_known_is_told(
    database: Database, tmp_path: Path, kind: str
) -> None:
    path = dump(database, tmp_path / "by_hand", kind)
    verdict = looked_at(database, path)
    assert told(verdict) == "restore: "
    assert RESTORED in verdict.notes
    assert set(lone_archive.UNKNOWN) <= set(verdict.notes)
    assert list(verdict.seconds) == ["decode", "restore"]
    assert any("tar format carries no checksum" in note for note in verdict.notes) == (kind == "tar")
    assert looked_at(database, path, level="decode").reached == "decode"


@pytest.mark.every_major
@pytest.mark.parametrize("kind", ["custom", "plain"])
def test_a_dump_restores_in_a_cluster_of_its_own_whatever_roles_it_names(
    database: Database, tmp_path: Path, place: Path, roles: Roles, kind: str
) -> None:
    owner, reader = roles("hand_owner", ""), roles('"hand ""1"" reader"', "")
    database.sql(f"ALTER TABLE orders OWNER TO {owner}; GRANT SELECT ON customers TO {reader}")
    path = dump(database, tmp_path / "by_hand", kind)
    try:
        options = instance.Options(str(database.server.bin_dir), place)
        verdict = looked_at(database, path, proof="temporary_instance", instance_options=options)
    finally:
        database.sql(f"REASSIGN OWNED BY {owner} TO {pgserver.SUPERUSER}; DROP OWNED BY {reader}")
    assert told(verdict) == "restore: "
    assert RESTORED in verdict.notes
    assert list(place.iterdir()) == []


@pytest.mark.fault(29)
@pytest.mark.every_major
@pytest.mark.parametrize("kind", ["custom", "tar", "plain", "plain.gz"])
def test_a_cut_dump_is_found_wherever_it_was_cut(database: Database, tmp_path: Path, kind: str) -> None:
    path = dump(database, tmp_path / "by_hand", kind)
    whole = path.read_bytes()
    for part in range(4, 10):
        path.write_bytes(whole[: len(whole) * part // 10])
        assert told(looked_at(database, path, level="decode")).startswith("none: by_hand: ")


@pytest.mark.fault(29)
@pytest.mark.parametrize("kind", ["custom", "tar", "plain"])
def test_what_is_too_short_for_a_dump_is_none(database: Database, tmp_path: Path, kind: str) -> None:
    path = dump(database, tmp_path / "by_hand", kind)
    whole = path.read_bytes()
    for length in (0, 3, 40):
        path.write_bytes(whole[:length])
        with pytest.raises(NotABackup, match=r"is no dump of pg_dump's"):
            looked_at(database, path)


@pytest.mark.fault(31)
def test_a_directory_that_has_lost_a_file_is_found(database: Database, tmp_path: Path) -> None:
    path = dump(database, tmp_path / "by_hand", "directory")
    (lost,) = [file for file in path.iterdir() if file.suffix == ".gz"][:1]
    lost.unlink()
    assert told(looked_at(database, path)).startswith("none: by_hand: pg_restore ended with status 1")


@pytest.mark.fault(28)
def test_a_flipped_bit_in_compressed_rows_is_found(database: Database, tmp_path: Path) -> None:
    path = dump(database, tmp_path / "by_hand", "custom")
    forgery.flip_at(path, 0.9)
    assert told(looked_at(database, path)).startswith("none: by_hand: pg_restore ended with status 1")


def test_a_dump_that_decodes_and_does_not_restore_is_found(database: Database, tmp_path: Path) -> None:
    """A CHECK whose function finds its table by the search_path, which a restore empties."""
    database.sql("""
        CREATE TABLE allowed (a int); INSERT INTO allowed VALUES (1);
        CREATE FUNCTION is_allowed(int) RETURNS bool LANGUAGE plpgsql AS
            'BEGIN RETURN EXISTS (SELECT FROM allowed WHERE a = $1); END';
        CREATE TABLE checked (a int CHECK (is_allowed(a))); INSERT INTO checked VALUES (1);
    """)
    path = dump(database, tmp_path / "by_hand", "custom")
    said = told(looked_at(database, path))
    assert said.startswith("decode: by_hand: does not restore: ")
    assert 'relation "allowed" does not exist' in said


@pytest.mark.parametrize("options", [["--create"], ["--create", "--clean"]], ids=" ".join)
@pytest.mark.every_major
def test_a_script_that_goes_to_another_database_is_never_run(
    database: Database, tmp_path: Path, options: list[str]
) -> None:
    path = dump(database, tmp_path / "by_hand", "plain", *options)
    database.sql("INSERT INTO empty_one VALUES (1)")
    said = told(looked_at(database, path))
    assert said.startswith("decode: by_hand: is not restored: its ")
    assert "would change more than a scratch database" in said


def test_rows_that_look_like_commands_are_rows(database: Database, tmp_path: Path) -> None:
    database.sql("CREATE TABLE odd (t text); INSERT INTO odd VALUES (E'\\rx'), (E'\\\\connect x'), (E'\\bx'), (NULL)")
    path = dump(database, tmp_path / "by_hand", "plain")
    assert told(looked_at(database, path)) == "restore: "


def test_a_level_that_there_is_not_is_refused(database: Database, tmp_path: Path) -> None:
    path = dump(database, tmp_path / "by_hand", "custom")
    with pytest.raises(BadRequest, match="has no checksums to compare with"):
        looked_at(database, path, level="checksum")


@pytest.mark.parametrize("content", [b"SELECT 1;\n", b"\x1f\x8b\x08\x00", gzip.compress(b"SELECT 1;\n", mtime=0)])
def test_what_is_no_dump_is_told(database: Database, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "something"
    path.write_bytes(content)
    with pytest.raises((NotABackup, FileFailed)) as caught:
        looked_at(database, path)
    assert "something" in str(caught.value)
