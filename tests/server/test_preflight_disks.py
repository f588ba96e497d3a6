# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule of the disks: what it calls enough carries a backup through, and what does not is refused before."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import sampling
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import (
    backup_disk,
    data_disk,
    inodes,
    wal_disk,
)
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of, only
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, proven, tmpfs
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

CONTENTS = {
    "next to nothing": "SELECT",
    "compressible TOAST": "CREATE TABLE t AS SELECT i, repeat('x', 100000) AS x FROM generate_series(1, 40) AS i",
    "noise": "CREATE TABLE t AS SELECT i, (SELECT string_agg(sha256((i * 99 + j)::text::bytea), '')"
    " FROM generate_series(1, 40) AS j) AS x FROM generate_series(1, 1500) AS i",
    "large objects": "SELECT lo_from_bytea(0, string_agg(sha256(i::text::bytea), '')) FROM generate_series(1, 60000) i",
    "many tables": "DO $$ BEGIN FOR i IN 1..60 LOOP"
    " EXECUTE format('CREATE TABLE t%s (a int PRIMARY KEY, b text, c text DEFAULT 0)', i); END LOOP; END $$",
}


def taken_by(backup_root: Path) -> int:
    """Bytes of all files below, as a filesystem of 4 KiB blocks keeps them."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in backup_root.rglob("*"))


@pytest.mark.fault(54)
@pytest.mark.full_disk
@pytest.mark.parametrize("content", CONTENTS)
def test_a_disk_that_is_called_enough_carries_the_backup_and_one_that_is_not_does_not(
    database: Database, backup_root: Path, tmp_path: Path, content: str
) -> None:
    database.sql(CONTENTS[content])
    expected = look(database, backup_root).facts.backup_size
    back_up(database, backup_root)
    real = taken_by(backup_root)
    # Neither falsely refused: a quarter of a megabyte and half as much again, where large objects are guessed.
    assert real <= expected.bytes <= real * 1.5 + (256 << 10)
    enough = int(expected.bytes * requests.THRESHOLDS.disk_factor) // 1024 + 8
    with tmpfs(tmp_path / "enough", f"{enough}k") as disk:
        assert of(look(database, disk), "backup_disk") == []
        assert (back_up(database, disk).directory / "manifest.json").exists()
    with tmpfs(tmp_path / "too small", f"{real // 2 // 1024}k") as disk:
        problem = only(look(database, disk), "backup_disk")
        assert (problem.severity, "estimated from a sample of the data" in problem.what) == ("error", True)
        with pytest.raises(PgsafeError, match="No space left on device"):
            back_up(database, disk)


@pytest.mark.every_server
@pytest.mark.fault(54)
def test_the_last_backup_tells_what_the_next_one_needs_until_something_changes(
    database: Database, backup_root: Path
) -> None:
    assert look(database, backup_root).facts.backup_size.basis == "sample"
    taken = back_up(database, backup_root)
    before = look(database, backup_root)
    size = before.facts.backup_size
    assert (size.basis, size.csv_bytes) == ("last_backup", sum(file.size for file in taken.manifest.csv_files))
    assert expected(before) is None, "it was never proven"
    assert look(database, backup_root, csv=["customers"]).facts.backup_size.basis == "sample"
    assert look(database, backup_root, compress_method="none").facts.backup_size.basis == "sample"
    database.sql("INSERT INTO customers (name) SELECT repeat('x', 100) FROM generate_series(1, 30000)")
    grown = look(database, backup_root).facts.backup_size
    assert (grown.basis, grown.csv_bytes > 3_000_000) == ("sample", True)


@pytest.mark.every_server
def test_a_few_blocks_from_all_over_a_table_tell_what_all_of_it_becomes(database: Database, backup_root: Path) -> None:
    """The first half is the same over and over, the second half does not compress."""
    database.sql(
        "CREATE TABLE t AS SELECT repeat('x', 64) AS x FROM generate_series(1, 60000);"
        "INSERT INTO t SELECT md5(i::text) || md5((i * 7)::text) FROM generate_series(1, 60000) AS i"
    )
    with session(database.target) as reader:
        few = sampling.take(reader, sampling.parts(reader), most=1 << 20).tables["public.t"]
        every = sampling.take(reader, sampling.parts(reader), most=1 << 30).tables["public.t"]
    real = sum(file.size for file in back_up(database, backup_root).manifest.csv_files if file.table == "public.t")
    assert every.text == pytest.approx(real, rel=0.01)
    assert few.text == pytest.approx(every.text, rel=0.2)
    assert few.zipped == pytest.approx(every.zipped, rel=0.2)


@pytest.mark.every_server
def test_a_table_that_is_locked_is_not_waited_for_and_told(database: Database, backup_root: Path) -> None:
    with database.holding("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"):
        found = look(database, backup_root)
    size = found.facts.backup_size
    assert (size.basis, size.csv_bytes, size.archive_bytes) == ("table_sizes", *[found.facts.database_bytes] * 2)
    told = [problem for problem in found.problems if "Could not sample customers" in problem.what]
    assert [(problem.check, problem.severity) for problem in told] == [("backup_disk", "warning")]


@pytest.mark.fault(54)
@pytest.mark.full_disk
def test_a_temporary_instance_for_the_proof_needs_its_room_on_the_disk_it_is_made_on(
    database: Database, tmp_path: Path
) -> None:
    with tmpfs(tmp_path / "disk", "4m") as disk:
        beside = look(database, disk)
        assert (beside.facts.proof, of(beside, "backup_disk")) == ("verified_copy", [])
        apart = look(database, disk, proof="temporary_instance", instance_directory=disk)
        assert "for the restored copy on the same disk" in only(apart, "backup_disk").what
        small = look(database, tmp_path, proof="temporary_instance", instance_directory=disk)
        assert "free; the temporary instance of the proof needs" in only(small, "backup_disk").what
        elsewhere = look(database, disk, proof="temporary_instance", instance_directory=tmp_path)
        assert of(elsewhere, "backup_disk") == []
        assert of(look(database, disk, proof="temporary_instance", restore_level=False), "backup_disk") == []


@pytest.mark.full_disk
def test_a_disk_without_inodes_is_refused(database: Database, tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", "4m,nr_inodes=10") as disk:
        problem = only(look(database, disk), "inodes")
    assert (problem.severity, problem.what.startswith(str(tmp_path / "disk"))) == ("error", True)


def test_what_a_copy_takes_is_counted_where_it_will_be(database: Database, backup_root: Path) -> None:
    facts = look(database, backup_root).facts
    free = facts.data_filesystem.free_bytes
    assert free is not None
    assert facts.bytes_needed > facts.database_bytes
    huge = replace(facts, wanted=replace(facts.wanted, bytes=free))
    assert [problem.check for problem in data_disk.check(huge)] == ["data_disk"]
    # On this machine the backup is on the same disk: the copy counts there too.
    assert facts.backup_filesystem.device == facts.data_filesystem.device
    assert [problem.check for problem in backup_disk.check(huge)] == ["backup_disk"]
    assert list(inodes.check(facts)) == []


@pytest.fixture
def small_log(server: pgserver.Server) -> Iterator[Database]:
    """A server of its own whose write-ahead log is on a small disk, and is held back by a slot."""
    with server_of_its_own(server, "wal_level = replica\n") as own:
        own.server.stop()
        log = own.server.data_dir / "pg_wal"
        with tempfile.TemporaryDirectory(prefix="pgs") as place, tmpfs(Path(place), "64m") as disk:
            Path(place).chmod(0o755)
            moved = disk / "pg_wal"
            shutil.copytree(log, moved)
            facts = own.server.data_dir.stat()
            for path in (disk, moved, *moved.rglob("*")):
                os.chown(path, facts.st_uid, facts.st_gid)
            shutil.rmtree(log)
            log.symlink_to(moved)
            own.server.start()
            own.admin("SELECT pg_create_physical_replication_slot('held', true)")
            yield own
            own.server.stop("immediate")


@pytest.mark.fault(54)
@pytest.mark.full_disk
def test_a_log_on_a_small_disk_of_its_own_needs_its_room_there(small_log: Database, backup_root: Path) -> None:
    assert of(look(small_log, backup_root), "wal_disk") == []
    small_log.sql("CREATE TABLE t AS SELECT md5(i::text) AS x, i FROM generate_series(1, 250000) AS i")
    small_log.admin("CHECKPOINT")
    found = look(small_log, backup_root)
    problem = only(found, "wal_disk")
    assert (problem.severity, "of the write-ahead log will be there" in problem.what) == ("error", True)
    assert list(wal_disk.check(replace(found.facts, wal=replace(found.facts.wal, slots=(), most_bytes=1 << 20)))) == []


READ_ONLY = "read_only+closed"


def expected(found: preflight.Preflight) -> float | None:
    """Seconds without writes."""
    assert found.facts.prediction is not None
    return found.facts.prediction.without_writes


@pytest.mark.every_server
def test_the_time_without_writes_is_foreseen_by_what_was_measured(database: Database, backup_root: Path) -> None:
    shortly = replace(requests.THRESHOLDS, max_unavailable=0.5)
    by_sample = look(database, backup_root, thresholds=shortly, fence=READ_ONLY)
    refused, *ways = of(by_sample, "unavailable_time")
    assert (refused.severity, {way.severity for way in ways}) == ("error", {"info"})
    assert "a sample of the data" in next(way.what for way in ways if way.what.startswith("read_only+closed"))
    an_hour = replace(requests.THRESHOLDS, max_unavailable=3600)
    assert of(look(database, backup_root, thresholds=an_hour, fence=READ_ONLY), "unavailable_time") == []
    proven(database, backup_root)
    after = look(database, backup_root, fence=READ_ONLY)
    seconds = expected(after)
    assert seconds is not None
    assert "the last backup" in after.facts.prediction.told  # type: ignore[union-attr]
    closely = replace(requests.THRESHOLDS, max_unavailable=seconds + 1)
    near = look(database, backup_root, thresholds=closely, fence=READ_ONLY)
    assert only(near, "unavailable_time").severity == "warning", "the upper end of the forecast passes the limit"
    generous = replace(requests.THRESHOLDS, max_unavailable=seconds + 60)
    assert of(look(database, backup_root, thresholds=generous, fence=READ_ONLY), "unavailable_time") == []
