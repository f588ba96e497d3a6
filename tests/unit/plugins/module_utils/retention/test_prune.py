# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removals on a real file system, killed behind each of their steps."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    BadRequest,
    FileFailed,
    Interrupted,
    NotABackup,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import (
    GUARD_LOCK,
    JOURNAL,
    Journal,
    reading,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import history
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import pin, prune, stored
from ansible_collections.pgsafe.migration.plugins.module_utils.retention.rules import Policy
from ansible_collections.pgsafe.migration.tests.unit import stored_backups as made


def request(root: Path, database: str = "", keep_days: float = 7, keep_min: int = 1) -> prune.PruneRequest:
    return prune.PruneRequest(root, database, Policy(keep_days, keep_min))


def left(root: Path) -> set[Path]:
    return {found.directory for found in stored.all_of(root)}


def test_what_is_old_goes_its_journal_stays_and_a_second_time_nothing_is_done(tmp_path: Path) -> None:
    old, new = made.stored(tmp_path, 9, verdict=Verdict.MIGRATED), made.stored(tmp_path, 2)
    size = stored.look(old).bytes
    foreseen = prune.plan(request(tmp_path))
    done = prune.run(request(tmp_path))
    assert done == foreseen
    assert (left(tmp_path), done.freed) == ({new}, size)
    state = made.run_of(old).state
    assert (state.verdict, state.irregular) == (Verdict.MIGRATED, ())
    assert "9 days old; newer proven backups: 1" in made.run_of(old).log()[-1]
    assert prune.run(request(tmp_path)).removed == ()


def test_a_rollback_to_a_backup_that_was_removed_says_so(tmp_path: Path) -> None:
    old = made.stored(tmp_path, 9, verdict=Verdict.MIGRATED)
    made.stored(tmp_path, 2)
    assert history.backup_before_last(tmp_path, Target({}, "app")) == old
    prune.run(request(tmp_path))
    with pytest.raises(NotABackup, match=f"{old.name}, was removed at .* because it was old"):
        history.backup_before_last(tmp_path, Target({}, "app"))


def test_planning_removes_nothing(tmp_path: Path) -> None:
    old, new = made.stored(tmp_path, 9), made.stored(tmp_path, 2)
    assert [decision.backup.directory for decision in prune.plan(request(tmp_path)).removed] == [old]
    assert left(tmp_path) == {old, new}


@pytest.mark.fault(42)
def test_only_the_backups_of_the_named_database_are_removed(tmp_path: Path) -> None:
    other = [made.stored(tmp_path, age, "app-test") for age in (9.1, 2.1)]
    made.stored(tmp_path, 9)
    new = made.stored(tmp_path, 2)
    prune.run(request(tmp_path, "app"))
    assert left(tmp_path) == {new, *other}


@pytest.mark.fault(43)
def test_a_backup_that_is_taken_into_use_after_the_plan_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = made.stored(tmp_path, 9)
    made.stored(tmp_path, 2)
    planned = prune.plan(request(tmp_path))
    monkeypatch.setattr(prune, "plan", lambda _request: planned)
    with made.run_of(old).held():
        assert prune.run(request(tmp_path)).decisions[0].reason == "in use"
    # The guard of a restore to a new database has this lock alone.
    with files.locked(made.run_of(old).directory / GUARD_LOCK):
        assert prune.run(request(tmp_path)).decisions[0].reason == "in use"
    with reading(old, made.run_of(old).run_id), reading(old, made.run_of(old).run_id):
        assert prune.run(request(tmp_path)).decisions[0].reason == "in use"
    made.run_of(old).append(Event.PINNED, reason="late")
    assert prune.run(request(tmp_path)).decisions[0].reason == "pinned: late"
    assert old in left(tmp_path)


def test_a_pin_that_comes_between_the_last_look_and_the_removal_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = made.stored(tmp_path, 9)
    made.stored(tmp_path, 2)
    append = Journal.append

    def pinned_before(self: Journal, event: Event, **facts: object) -> None:
        if event is Event.PRUNING:
            append(self, Event.PINNED, reason="just now")
        append(self, event, **facts)

    monkeypatch.setattr(Journal, "append", pinned_before)
    assert prune.run(request(tmp_path)).decisions[0].reason == "pinned: just now"
    assert stored.look(old).condition is stored.Condition.COMPLETE


def test_a_pin_that_comes_while_it_is_removed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = made.stored(tmp_path, 9)
    made.stored(tmp_path, 2)
    remove, refused = files.remove, []

    def pinned_before(path: Path) -> None:
        with pytest.raises(NotABackup, match="is being removed"):
            pin.run(pin.PinRequest(old, "too late"))
        refused.append(path)
        remove(path)

    planned = pin.plan(pin.PinRequest(old, "too late"))
    monkeypatch.setattr(pin, "plan", lambda _request: planned)
    monkeypatch.setattr(files, "remove", pinned_before)
    prune.run(request(tmp_path))
    assert refused == [old / manifests.MANIFEST]


def test_a_backup_is_kept_when_those_that_made_it_dispensable_turn_out_damaged_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = made.stored(tmp_path, 9), made.stored(tmp_path, 2)
    planned = prune.plan(request(tmp_path))
    monkeypatch.setattr(prune, "plan", lambda _request: planned)
    (new / manifests.ARCHIVE).write_text("cut")
    assert prune.run(request(tmp_path)).removed == ()
    assert old.exists()


@pytest.mark.parametrize("place", ["evidence_of_auditors", "app"])
def test_a_directory_that_was_put_there_after_a_removal_is_not_taken_for_the_rest_of_it(
    tmp_path: Path, place: str
) -> None:
    old = made.stored(tmp_path, 9)
    made.stored(tmp_path, 2)
    prune.run(request(tmp_path))
    journal = made.run_of(old).directory / JOURNAL
    removed = journal.read_text().splitlines()[-1]
    journal.write_text(journal.read_text().replace(removed, re.sub("20..-..-..T..", "2020-01-01T00", removed)))
    again = tmp_path / place / old.name
    again.mkdir(parents=True, mode=0o700)
    (again / manifests.ARCHIVE).write_text("brought back\n")
    assert prune.run(request(tmp_path)).removed == ()
    assert again.exists()


def test_what_was_removed_before_an_interruption_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = made.stored(tmp_path, 11), made.stored(tmp_path, 9)
    made.stored(tmp_path, 2)
    remove_tree = files.remove_tree

    def interrupted(path: Path) -> None:
        if path == second:
            raise Interrupted("The removal of backups was interrupted.")
        remove_tree(path)

    monkeypatch.setattr(files, "remove_tree", interrupted)
    with pytest.raises(Interrupted, match=f"Removed: {first.name}"):
        prune.run(request(tmp_path))


def test_what_cannot_be_removed_is_told_and_the_others_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, old, new = made.stored(tmp_path, 11), made.stored(tmp_path, 9), made.stored(tmp_path, 2)
    remove_tree = files.remove_tree

    def refusing(path: Path) -> None:
        if path == stuck:
            raise FileFailed(f"{path} could not be removed: Read-only file system")
        remove_tree(path)

    monkeypatch.setattr(files, "remove_tree", refusing)
    with pytest.raises(prune.NotPruned, match=f"{stuck.name}: .*Read-only file system") as raised:
        prune.run(request(tmp_path))
    assert [decision.backup.directory for decision in raised.value.found.removed] == [old]
    monkeypatch.undo()
    # Its manifest is gone, so it is no backup any more, and the rest of it goes at any age.
    assert [decision.reason for decision in prune.run(request(tmp_path, keep_days=99)).removed] == [
        "an interrupted removal has left the rest of it"
    ]
    assert left(tmp_path) == {new}


def test_the_last_proven_backup_is_not_up_for_choice(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="the last proven backup would be removed"):
        prune.plan(request(tmp_path, keep_min=0))


def _dies(root: Path, behind: int) -> bool:
    """Prune in a process that is killed behind so many of its steps; False when it came to its end before."""
    child = os.fork()
    if child == 0:
        _count_steps(pytest.MonkeyPatch(), behind)
        prune.run(request(root))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _count_steps(monkeypatch: pytest.MonkeyPatch, behind: int) -> None:
    steps = iter(range(1, behind))

    def step() -> None:
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    unlink, rmdir, append = os.unlink, os.rmdir, Journal.append

    def unlinked(*arguments: object, **keywords: object) -> None:
        unlink(*arguments, **keywords)  # type: ignore[arg-type]  # whatever shutil and pathlib give
        step()

    def removed(*arguments: object, **keywords: object) -> None:
        rmdir(*arguments, **keywords)  # type: ignore[arg-type]  # whatever shutil gives
        step()

    def appended(self: Journal, event: Event, **facts: object) -> None:
        append(self, event, **facts)
        step()

    monkeypatch.setattr(os, "unlink", unlinked)
    monkeypatch.setattr(os, "rmdir", removed)
    monkeypatch.setattr(Journal, "append", appended)


@pytest.mark.parametrize("days", [float("inf"), 1e10])
def test_an_absurd_number_of_days_is_refused(tmp_path: Path, days: float) -> None:
    with pytest.raises(BadRequest, match="keep_days is"):
        prune.plan(request(tmp_path, keep_days=days))


@pytest.mark.fault(47)
def test_a_removal_that_is_killed_behind_any_step_leaves_whole_or_dead_backups_and_is_finished(tmp_path: Path) -> None:
    for behind in range(1, 100):
        root = tmp_path / f"{behind}"
        old, new = made.stored(root, 9), made.stored(root, 2)
        for number in range(3):
            (old / f"{number}.csv").write_text("id\n")
        files_of = {path.name for path in old.iterdir()}
        dead = _dies(root, behind)
        if old.exists() and (old / manifests.MANIFEST).exists():
            assert {path.name for path in old.iterdir()} == files_of
        prune.run(request(root))
        assert left(root) == {new}
        shutil.rmtree(root)
        if not dead:
            break
    assert behind > 6
