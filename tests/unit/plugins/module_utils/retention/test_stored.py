# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a directory is, by its files and by the journal of its run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import JOURNAL
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.stored import Condition, all_of, look, moment
from ansible_collections.pgsafe.migration.tests.unit import stored_backups as made


def test_a_proven_backup_is_told_with_its_level_its_verdict_and_its_size(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3, verdict=Verdict.MIGRATED)
    (found,) = all_of(tmp_path)
    assert (found.directory, found.database, found.condition) == (directory, "app", Condition.COMPLETE)
    assert (found.level, found.proven, found.verdict, found.run_ended) == ("restore", True, "migrated", True)
    assert found.bytes == sum(path.stat().st_size for path in directory.iterdir())


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.unlink(), "its file full_backup.dump is missing"),
        (lambda path: path.write_text(""), "its file full_backup.dump has 0 bytes instead of 11"),
    ],
    ids=["missing", "empty"],
)
def test_a_backup_without_its_archive_is_no_proven_one(
    tmp_path: Path, damage: Callable[[Path], object], problem: str
) -> None:
    directory = made.stored(tmp_path, 3)
    damage(directory / manifests.ARCHIVE)
    assert (look(directory).problem, look(directory).proven) == (problem, False)


@pytest.mark.parametrize("created", ["2026-11-24 10:00:00", "0001-01-01T00:00:00Z", ""])
def test_a_time_that_cannot_be_does_not_make_a_backup_old(tmp_path: Path, created: str) -> None:
    directory = made.stored(tmp_path, 3)
    manifest = directory / manifests.MANIFEST
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**facts, "created": created}))
    assert look(directory).condition is Condition.UNREADABLE


@pytest.mark.parametrize("line", ["[]", "null", "{", '{"event": "pin', "[" * 100_000])
def test_a_journal_with_a_line_that_cannot_be_read_vouches_for_nothing(tmp_path: Path, line: str) -> None:
    directory = made.stored(tmp_path, 3)
    with (made.run_of(directory).directory / JOURNAL).open("a") as stream:
        stream.write(f"{line}\n")
    assert look(directory).problem == "its journal has a line that cannot be read"


def test_a_journal_without_events_and_one_of_another_backup_vouch_for_nothing(tmp_path: Path) -> None:
    first, second = made.stored(tmp_path, 3, "app"), made.stored(tmp_path, 4, "app-test")
    journals = [made.run_of(directory).directory / JOURNAL for directory in (first, second)]
    journals[0].write_text(journals[1].read_text())
    journals[1].unlink()
    assert [look(directory).condition for directory in (first, second)] == [Condition.FOREIGN] * 2


def test_one_backup_that_cannot_be_looked_at_does_not_hide_the_others(tmp_path: Path) -> None:
    bad, good = made.stored(tmp_path, 4), made.stored(tmp_path, 3)
    (made.run_of(bad).directory / JOURNAL).write_bytes(b"\xff\xfe\n")
    conditions = {found.directory: found.condition for found in all_of(tmp_path)}
    assert conditions == {bad: Condition.UNREADABLE, good: Condition.COMPLETE}


def test_a_backup_that_others_may_write_to_is_said_to_be_one(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    directory.chmod(0o777)
    assert look(directory).condition is Condition.UNREADABLE


def test_looking_takes_no_lock_and_writes_nothing(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    look(directory)
    assert [path.name for path in made.run_of(directory).directory.iterdir() if "lock" in path.name] == []


def test_a_link_that_points_at_itself_is_no_latest(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    (directory.parent / "latest").symlink_to("latest")
    assert look(directory).latest is False


def test_a_proof_of_another_manifest_proves_nothing(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    with (directory / manifests.MANIFEST).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert (look(directory).level, look(directory).proven) == ("", False)


def test_a_later_verification_takes_a_proof_back_when_it_finds_something_only(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    facts = {"backup_dir": str(directory), "manifest_sha256": manifests.digest_of(directory), "level": "checksum"}
    made.run_of(directory).append(Event.VERIFIED, **facts, findings=[])
    assert (look(directory).level, look(directory).proven) == ("restore", True)
    made.run_of(directory).append(Event.VERIFIED, **facts, findings=["full_backup.dump is damaged"])
    assert (look(directory).level, look(directory).proven) == ("checksum", False)


@pytest.mark.fault(42)
def test_only_the_backups_of_the_named_database_are_listed(tmp_path: Path) -> None:
    wanted = made.stored(tmp_path, 3, "app")
    made.stored(tmp_path, 4, "app-test")
    assert [found.directory for found in all_of(tmp_path, "app")] == [wanted]


@pytest.mark.fault(42)
def test_a_backup_that_lies_in_the_directory_of_another_database_is_not_taken_for_its_own(tmp_path: Path) -> None:
    other = made.stored(tmp_path, 3, "app-test")
    moved = tmp_path / "app" / other.name
    moved.parent.mkdir()
    other.rename(moved)
    assert look(moved).condition is Condition.UNREADABLE
    assert look(moved).problem == f"its manifest is of the backup {other.name[10:]} of app-test"


@pytest.mark.fault(43)
def test_a_backup_whose_run_is_at_work_is_in_use(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    with made.run_of(directory).held():
        assert look(directory).condition is Condition.IN_USE
    assert look(directory).condition is Condition.COMPLETE


@pytest.mark.fault(46)
def test_foreign_files_are_passed_over(tmp_path: Path) -> None:
    own = made.stored(tmp_path, 3)
    for name in ("notes", "migration_old", "migration_20261116_143022.bak", "migration_20261116"):
        (own.parent / name).mkdir()
    (own.parent / "migration_20261117_143022").write_text("a file\n")
    (own.parent / "migration_20261118_143022").symlink_to(own)
    (tmp_path / "link").symlink_to(own.parent)
    (tmp_path / "README").write_text("a file\n")
    assert [found.directory for found in all_of(tmp_path)] == [own]


@pytest.mark.fault(46)
def test_a_backup_that_no_run_of_the_backup_root_took_is_foreign(tmp_path: Path) -> None:
    directory = made.stored(tmp_path, 3)
    files.remove_tree(made.run_of(directory).directory)
    assert (look(directory).condition, look(directory).proven) == (Condition.FOREIGN, False)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format_version": "9.0"}'])
def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    directory = made.stored(tmp_path, 3)
    (directory / manifests.MANIFEST).write_text(text)
    found = look(directory)
    assert found.condition is Condition.UNREADABLE
    assert found.problem


def test_what_has_no_manifest_is_unfinished_or_partly_removed(tmp_path: Path) -> None:
    directory = made.unfinished(tmp_path, 3)
    assert look(directory).condition is Condition.UNFINISHED
    made.run_of(directory).append(Event.PRUNING, backup_dir=str(directory), reason="old")
    assert look(directory).condition is Condition.PARTLY_REMOVED


@pytest.mark.fault(48)
@pytest.mark.parametrize("verdict", [Verdict.HELD, Verdict.UNFINISHED])
def test_a_run_that_waits_has_not_ended(tmp_path: Path, verdict: Verdict) -> None:
    found = look(made.stored(tmp_path, 30, verdict=verdict))
    assert (found.verdict, found.run_ended) == (verdict.value, False)


def test_the_link_latest_is_told(tmp_path: Path) -> None:
    old, new = made.stored(tmp_path, 3), made.stored(tmp_path, 2)
    (old.parent / "latest").symlink_to(new.name)
    assert [found.latest for found in all_of(tmp_path)] == [False, True]


@pytest.mark.parametrize("text", ["2026-11-16T00:00:00Z", "2026-11-16T00:00:00", "2026-11-16 00:00", "2026-11-16"])
def test_a_moment_is_a_date_or_a_time_in_utc(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 16, tzinfo=timezone.utc)
    with pytest.raises(BadRequest, match="is no date or time"):
        moment(f"{text}?")


def test_a_backup_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match="does not exist"):
        all_of(tmp_path / "nowhere")
