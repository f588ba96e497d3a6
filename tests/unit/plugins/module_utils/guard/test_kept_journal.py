# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A journal whose directory is gone comes back with its newest event."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.kept_journal import KeptJournal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal


def run_of(root: Path) -> Journal:
    found = Journal(root / ".runs" / "20261116_143022")
    found.directory.mkdir(parents=True, mode=0o700)
    found.append(Event.CLOSING, name="app__pgsafe_20261116_143022")
    return found


@pytest.mark.parametrize(
    "lose",
    [lambda path: path.rename(path.parent.parent / "renamed"), shutil.rmtree],
    ids=["renamed", "removed"],
)
def test_the_event_before_the_loss_is_kept(tmp_path: Path, lose: Callable[[Path], object]) -> None:
    run_journal = run_of(tmp_path)
    kept = KeptJournal(run_journal)
    assert kept.keep() is False
    run_journal.append(Event.ARMED, digest="d", backup_dir="/b", sequences="backup")
    lose(run_journal.directory)
    assert kept.keep() is True
    assert run_journal.state.armed is True
    run_journal.append(Event.APPLYING, file="1.sql")
    shutil.rmtree(run_journal.directory)
    assert kept.keep() is True
    assert [entry.event for entry in run_journal.entries()] == [Event.CLOSING, Event.ARMED, Event.APPLYING]


def test_a_journal_that_a_person_has_put_back_counts(tmp_path: Path) -> None:
    run_journal = run_of(tmp_path)
    kept = KeptJournal(run_journal)
    copy = shutil.copytree(run_journal.directory, tmp_path / "copy")
    shutil.rmtree(run_journal.directory)
    copy.rename(run_journal.directory)
    assert kept.keep() is False
    run_journal.append(Event.OPENED)
    shutil.rmtree(run_journal.directory)
    assert kept.keep() is True
    assert run_journal.entries()[-1].event is Event.OPENED


def test_without_a_journal_there_is_nothing_to_keep(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no journal"):
        KeptJournal(Journal(tmp_path / ".runs" / "20261116_143022"))
