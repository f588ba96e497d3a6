# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of a real backup at other places: whole, or no backups; and a run that is refused without one."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import places
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.places import Copied, CopyRequest, Place
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Interrupted, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import prune, rules, stored
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.rules import Policy
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.stored import Condition
from ansible_collections.pgsafe.migration.tests.server.copies import dies, directory
from ansible_collections.pgsafe.migration.tests.server.forgery import verified
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, back_up, tmpfs, write_set
from ansible_collections.pgsafe.migration.tests.unit.stored_backups import run_of


@pytest.fixture
def backup(database: Database, backup_root: Path) -> Path:
    """A backup that was verified, and not by a restore."""
    made = back_up(database, backup_root).directory
    assert verified(database, made, "decode").findings == ()
    return made


def copied(backup: Path, *given: Path, required: bool = True) -> tuple[Copied, ...]:
    return places.run(CopyRequest(backup, tuple(Place(path, required) for path in given)))


def contents(backup: Path) -> dict[str, tuple[int, bytes]]:
    """Of all but the log, which is of the run of each place."""
    found = [path for path in backup.iterdir() if path.suffix != ".log"]
    return {path.name: (path.stat().st_mode, path.read_bytes()) for path in found}


def test_a_copy_is_the_same_files_and_a_backup_root_of_its_own(
    database: Database, backup: Path, tmp_path: Path
) -> None:
    first, second = directory(tmp_path, "first"), directory(tmp_path, "second")
    foreseen = places.plan(CopyRequest(backup, (Place(first), Place(second))))
    assert list(first.iterdir()) == []
    done = copied(backup.parent / "latest", first, second)
    assert [of.location for of in done] == [of.location for of in foreseen]
    assert [of.made for of in (*done, *foreseen)] == [True] * 4
    for copy in [Path(of.location) for of in done]:
        assert contents(copy) == contents(backup)
        assert (copy.parent / "latest").resolve() == copy
    again = copied(backup, first)
    assert (again[0].made, again[0].problem) == (False, "")
    shutil.rmtree(backup.parent.parent)
    whole = Path(done[0].location)
    (listed,) = stored.all_of(first)
    assert (listed.condition, listed.level, listed.run_ended) == (Condition.COMPLETE, "decode", True)
    assert verified(database, whole, "restore").reached == "restore"
    assert stored.look(whole).proven


def test_a_backup_that_was_not_verified_is_not_copied(database: Database, backup_root: Path, tmp_path: Path) -> None:
    unproven = back_up(database, backup_root).directory
    with pytest.raises(Refused, match="was not verified"):
        copied(unproven, directory(tmp_path, "place"))


@pytest.mark.parametrize("given", [["copies"], ["/mnt/a", "/mnt/a"]])
def test_a_place_that_is_relative_or_named_twice_is_refused(given: list[str]) -> None:
    with pytest.raises(BadRequest):
        copied(Path("/backup"), *map(Path, given))


def test_each_place_that_cannot_be_used_is_named_and_the_others_have_their_copies(
    backup: Path, tmp_path: Path
) -> None:
    good, open_to_all, taken, gone = (directory(tmp_path, name) for name in ("good", "open", "taken", "gone"))
    gone.rmdir()
    open_to_all.chmod(0o777)
    foreign = taken / backup.parent.name / backup.name
    foreign.mkdir(parents=True, mode=0o700)
    with pytest.raises(places.NotCopied) as raised:
        copied(backup, gone, open_to_all, taken, backup.parent.parent, good)
    said = [of.problem for of in raised.value.found]
    assert "does not exist" in said[0]
    assert "can be written by other users" in said[1]
    assert "no copy made it" in said[2]
    assert "is the backup root" in said[3]
    assert said[4] == ""
    assert raised.value.found[4].location in str(raised.value)
    assert stored.all_of(good)[0].condition is Condition.COMPLETE
    assert foreign.exists()
    assert "does not exist" in copied(backup, gone, required=False)[0].problem


def test_another_run_of_the_same_second_and_a_damaged_copy_are_left_alone(backup: Path, tmp_path: Path) -> None:
    target, other = directory(tmp_path, "place"), directory(tmp_path, "other")
    copy = Path(copied(backup, target)[0].location)
    csv = next(copy.glob("*.csv"))
    csv.write_bytes(csv.read_bytes()[:-1] + b"x")
    with pytest.raises(places.NotCopied, match=f"damaged: {csv.name}: has another SHA-256"):
        copied(backup, target)
    (copy / manifests.MANIFEST).write_text("{}")
    with pytest.raises(places.NotCopied, match="of another run that began in the same second"):
        copied(backup, target)
    assert csv.exists()
    run_there = run_of(other / "unlike" / backup.name)
    run_there.directory.mkdir(parents=True, mode=0o700)
    run_there.append(Event.BACKUP_STARTED, backup_dir=str(other / "unlike" / backup.name), database="unlike")
    with pytest.raises(places.NotCopied, match="of another run that began in the same second"):
        copied(backup, other)


def test_the_backup_root_of_a_run_that_has_migrated_is_no_place_for_its_backup(backup: Path, tmp_path: Path) -> None:
    own = directory(tmp_path, "place")
    run_there = run_of(own / backup.parent.name / backup.name)
    run_there.directory.mkdir(parents=True, mode=0o700)
    run_there.append(Event.BACKUP_STARTED, backup_dir=str(own / backup.parent.name / backup.name), database="app")
    run_there.append(Event.ARMED)
    before = run_there.text()
    with pytest.raises(places.NotCopied, match="is the backup root of the run itself"):
        copied(backup, own)
    assert run_there.text() == before


def test_a_source_that_was_damaged_after_its_proof_is_not_copied(backup: Path, tmp_path: Path) -> None:
    target = directory(tmp_path, "place")
    csv = next(backup.glob("*.csv"))
    csv.write_bytes(csv.read_bytes()[:-1] + b"x")
    with pytest.raises(places.NotCopied, match=f"{csv.name} has another SHA-256 than its backup was proven with"):
        copied(backup, target)
    assert not (target / backup.parent.name / backup.name).exists()


def test_what_is_read_back_counts(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, drop_cached = directory(tmp_path, "place"), files.drop_cached

    def corrupting(path: Path) -> None:
        drop_cached(path)
        if path.name.startswith(manifests.SCRIPT):
            path.write_bytes(path.read_bytes()[:-1] + b"x")

    monkeypatch.setattr(files, "drop_cached", corrupting)
    with pytest.raises(places.NotCopied, match=f"{manifests.SCRIPT} differs from .* when it is read back"):
        copied(backup, target)
    assert not (target / backup.parent.name / backup.name).exists()
    monkeypatch.undo()
    assert copied(backup, target)[0].made


@pytest.mark.full_disk
def test_a_place_that_is_full_or_fills_leaves_nothing_that_looks_like_a_backup(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tmpfs(tmp_path / "disk", "64k") as disk:
        (disk / "filler").write_bytes(b"x" * 61440)
        with pytest.raises(places.NotCopied, match="free; the backup has"):
            copied(backup, disk)
        monkeypatch.setattr(files, "free_space", lambda _path: files.FreeSpace(1 << 40, None))
        with pytest.raises(places.NotCopied, match="No space left on device"):
            copied(backup, disk)
        assert not list(disk.rglob(manifests.MANIFEST))


# What changes a place.
STEPS = ((os, "mkdir"), (os, "rename"), (os, "fsync"), (os, "posix_fadvise"), (Journal, "append"))


@pytest.mark.fault(47)
def test_a_copy_that_is_killed_behind_any_step_is_whole_or_no_backup_and_the_next_one_finishes_it(
    backup: Path, tmp_path: Path
) -> None:
    for behind in range(1, 300):
        target = directory(tmp_path, f"{behind}")
        dead = dies(partial(copied, backup, target), STEPS, behind)
        copy = target / backup.parent.name / backup.name
        if (copy / manifests.MANIFEST).exists():
            assert contents(copy) == contents(backup)
        else:
            assert [of.condition for of in stored.all_of(target)] in ([], [Condition.UNFINISHED])
        assert copied(backup, target)[0].problem == ""
        assert [of.condition for of in stored.all_of(target)] == [Condition.COMPLETE]
        assert contents(copy) == contents(backup)
        shutil.rmtree(target)
        if not dead:
            break
    assert 40 < behind < 299


def test_an_interrupted_copy_is_removed(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = directory(tmp_path, "place")
    copy_checked = files.copy_checked

    def interrupted(source: Iterable[bytes], path: Path, expected: str, shown: str) -> None:
        copy_checked(source, path, expected, shown)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(files, "copy_checked", interrupted)
    with pytest.raises(Interrupted, match="The incomplete backup directory was removed"):
        copied(backup, target)
    assert list((target / backup.parent.name).iterdir()) == []


def test_retention_works_at_a_place_and_what_it_removed_can_be_copied_again(
    database: Database, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = directory(tmp_path, "place")
    old = Path(copied(backup, target)[0].location)
    newer = back_up(database, backup.parent.parent).directory
    assert verified(database, newer, "restore").reached == "restore"
    copied(newer, target)
    later = datetime.now(timezone.utc) + timedelta(days=9)
    decide = rules.decide
    monkeypatch.setattr(rules, "decide", lambda found, policy, _now: decide(found, policy, later))
    done = prune.run(prune.PruneRequest(target, database.name, Policy(7, 1)))
    assert [of.backup.directory for of in done.removed] == [old]
    assert [of.directory.name for of in stored.all_of(target)] == [newer.name]
    monkeypatch.undo()
    assert copied(backup, target)[0].made
    assert {of.condition for of in stored.all_of(target)} == {Condition.COMPLETE}


@pytest.mark.long
def test_a_run_copies_its_proven_backup_and_is_refused_without_a_required_copy(
    ansible: Ansible, database: Database, clone: Callable[[str], Database], backup_root: Path, tmp_path: Path
) -> None:
    target, missing = directory(tmp_path, "place"), tmp_path / "missing"
    source = write_set(ansible.home / "set", GOOD)
    databases = {"copied": database, "refused": clone("small"), "waived": clone("small")}
    before = {name: of.fingerprint() for name, of in databases.items()}
    hosts: dict[str, dict[str, Any]] = {name: of.variables(backup_root, source) for name, of in databases.items()}
    for name, host in hosts.items():
        host["pg_migrate_copy_to"] = [{"path": str(target)}, {"path": str(missing), "required": name != "copied"}]
    # The preflight can be waived, the copy cannot.
    hosts["waived"]["pg_migrate_waive"] = {"checks": {"copy_places": "try it"}}
    batch = {"pg_migrate_serial": "100%", "pg_migrate_confirm": [of.name for of in databases.values()]}
    played = ansible.play(hosts, "-e", json.dumps(batch))
    assert {name: played.verdict(name) for name in hosts} == {
        "copied": "migrated and verified",
        "refused": "refused: nothing was changed",
        "waived": "refused: nothing was changed",
    }, played.output
    assert f"The place {missing} for a copy of the backup does not exist" in played.flat
    assert "The backup could not be copied to every place" in played.flat
    assert f"[warning] No copy at {missing}" in played.flat
    assert "and read back" in played.flat
    assert {name for name, of in databases.items() if of.fingerprint() != before[name]} == {"copied"}
    latest = (target / database.name / "latest").resolve()
    assert latest == target / database.name / (backup_root / database.name / "latest").resolve().name
    by_hand = {"one": {**hosts["copied"], "pg_migrate_backup_root": str(target)}}
    listed = ansible.play(by_hand, playbook="pgsafe.migration.list")
    assert f"1 backup under {target}, 1 of them proven" in listed.flat, listed.output
    # As at a place whose file system has no symbolic links.
    (target / database.name / "latest").unlink()
    level = ("-e", "pg_migrate_level=checksum")
    checked = ansible.play(by_hand, *level, playbook="pgsafe.migration.verify")
    assert "Backup integrity verified: level checksum" in checked.flat, checked.output
    reason = '{"pg_migrate_reason": "for the auditors"}'
    named = ("-e", f"pg_migrate_backup_dir={latest}")
    pinned = ansible.play(by_hand, *named, "-e", reason, playbook="pgsafe.migration.pin")
    assert (pinned.status, stored.look(latest).pinned) == (0, "for the auditors"), pinned.output
    name = f"{database.name}_old"
    restored = ansible.play(
        by_hand, "-e", f"pg_migrate_new_database={name}", playbook="pgsafe.migration.restore"
    )
    assert restored.status == 0, restored.output
    assert replace(database, name=name).sql("SELECT count(*) FROM customers") == "60"
    database.admin(f"DROP DATABASE {name}")
