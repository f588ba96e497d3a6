# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory that backups are made in: missing, closed, open to everybody, or not a directory of ours at all."""

from __future__ import annotations

import hashlib
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed, Problem, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import code, entry, launch
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import RUNS
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Supervision
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.tests.server.backup_support import refused, request
from ansible_collections.pgsafe.migration.tests.server.support import Database, as_nobody, everything
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

import pgserver

pytestmark = pytest.mark.fault(16)


def problems(database: Database, root: Path) -> list[Problem]:
    found = preflight.run(requests.preflight(database.target, root))
    return [problem for problem in found.errors if problem.check == "backup_root"]


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that every user can pass through."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


# As a module has them.
SUPERVISION = Supervision(lease=30.0, poll_interval=1.0, progress=False, grace=30.0)


def given_away(path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def plant(run_directory: Path, mark: Path) -> None:
    """A program under the name that the guard's code would have."""
    name = f"guard_{hashlib.sha256(code.packed(entry.__name__)).hexdigest()[:12]}.pyz"
    (run_directory / name).write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")


def test_a_missing_root_is_told_with_the_command_that_makes_it(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "none"
    (found,) = problems(database, root)
    assert found.what == f"The backup root {root} does not exist."
    assert f"install -d -m 0700 {root}" in found.remedy
    failure = refused(request(database, root))
    assert found.what in failure.what
    assert f"install -d -m 0700 {root}" in failure.remedy
    assert not root.exists()


def test_a_file_in_place_of_the_root_is_no_root(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.touch()
    (found,) = problems(database, root)
    assert "does not exist" in found.what
    with pytest.raises(FileFailed):
        backup.run(request(database, root))


def test_a_root_that_may_only_be_read_is_told_before_and_by_the_backup(
    server: pgserver.Server, database: Database, outside: Path
) -> None:
    root = outside / "closed"
    root.mkdir(mode=0o555)
    wanted = request(database, root, target=database.over_tcp(server.password))
    with as_nobody():
        found = preflight.run(requests.preflight(wanted.target, root))
        failure = refused(wanted)
    assert [problem.what for problem in found.errors if problem.check == "backup_root"] == [
        f"The backup root {root} cannot be written by the user of the play."
    ]
    assert str(root) in failure.what
    assert "Permission denied" in failure.what
    assert "write there" in failure.remedy
    assert everything(root) == []


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_root_that_others_may_write_to_is_refused_before_the_run(
    database: Database, backup_root: Path, mode: int
) -> None:
    backup_root.chmod(mode)
    (found,) = problems(database, backup_root)
    assert f"{backup_root} can be written by other users (mode {mode:04o})" in found.what
    assert found.remedy == f"chmod go-w {backup_root}"
    assert found.remedy == refused(request(database, backup_root)).remedy
    assert everything(backup_root) == []


@pytest.mark.parametrize("mode", [0o770, 0o757, 0o777])
def test_a_directory_above_the_root_that_others_may_write_to_is_refused(
    database: Database, outside: Path, mode: int
) -> None:
    """They could put another directory in the place of the root."""
    root = outside / "above" / "root"
    root.mkdir(parents=True, mode=0o700)
    root.parent.chmod(mode)
    (found,) = problems(database, root)
    assert f"{root.parent} can be written by other users (mode {mode:04o})" in found.what
    failure = refused(request(database, root))
    assert "Another user could replace what is in" in failure.what
    assert failure.remedy == f"chmod go-w {root.parent}"
    assert everything(root) == []


def test_a_sticky_directory_above_the_root_is_no_danger(database: Database, outside: Path) -> None:
    root = outside / "above" / "root"
    root.mkdir(parents=True, mode=0o700)
    root.parent.chmod(0o1777)
    assert problems(database, root) == []


@pytest.mark.other_user
@pytest.mark.parametrize("whose", ["root", "above", "link", "runs"])
def test_what_belongs_to_another_user_is_refused(database: Database, outside: Path, whose: str) -> None:
    root, link = outside / "above" / "root", outside / "link"
    (root / RUNS).mkdir(parents=True, mode=0o700)
    link.symlink_to(root)
    place = {"root": root, "above": root.parent, "link": link, "runs": root / RUNS}[whose]
    given_away(place)
    around = everything(root)
    named = link if whose == "link" else root
    (found,) = problems(database, named)
    assert f"{place} belongs to nobody, not to root or root" in found.what
    assert found.remedy == f"chown --no-dereference root {place}"
    with pytest.raises(Refused) as caught:
        journal.new_run(named)
    assert refused(request(database, named)).remedy == caught.value.remedy == found.remedy
    assert everything(root) == around


@pytest.mark.other_user
@pytest.mark.parametrize("whose", ["root", "runs", "link"])
def test_a_guard_that_another_user_has_put_into_a_run_is_not_started(
    database: Database, outside: Path, whose: str
) -> None:
    root, his, mark = outside / "root", outside / "his", outside / "mark"
    root.mkdir(mode=0o711)
    his.mkdir()
    run = journal.new_run(root)
    moved = {"root": root / RUNS, "runs": run.directory, "link": his / "none"}[whose]
    given_away(moved.parent)
    if whose == "link":
        run.directory.rename(root / "away")
        run.directory.symlink_to(his)
    with as_nobody():
        if whose != "link":
            moved.rename(moved.with_name("away"))
            run.directory.mkdir(parents=True)
        plant(his if whose == "link" else run.directory, mark)
    with pytest.raises(Refused, match="Another user could replace what is in"):
        launch.start("recover", requests.recover(database.target, run.directory.parent.parent), SUPERVISION, run)
    for look in (lambda: journal.of_run(root, run.run_id), lambda: journal.all_runs(root)):
        with pytest.raises(Refused, match="Another user could replace what is in"):
            look()
    assert not mark.exists()


def test_code_of_a_guard_that_was_altered_is_not_started(database: Database, backup_root: Path) -> None:
    run, mark = journal.new_run(backup_root), backup_root / "mark"
    plant(run.directory, mark)
    with pytest.raises(Refused, match="is not the code that was shipped"):
        launch.start("recover", requests.recover(database.target, run.directory.parent.parent), SUPERVISION, run)
    assert not mark.exists()


def test_a_link_to_a_root_of_ours_leads_to_backups_that_are_found_by_either_name(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(backup_root)
    assert problems(database, link) == []
    taken = backup.run(request(database, link))
    assert taken.directory.parent.parent == link
    assert (backup_root / database.name / taken.directory.name / "manifest.json").is_file()


def test_a_link_in_place_of_the_database_s_directory_is_not_followed(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (backup_root / database.name).symlink_to(elsewhere)
    with pytest.raises(FileFailed, match="is a symbolic link"):
        backup.run(request(database, backup_root))
    assert everything(elsewhere) == []
