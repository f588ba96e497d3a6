# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sweep removes what a dead run has left, and never a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import root
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.tests.unit.stored_backups import run_of


def begun(backup_root: Path) -> Path:
    directory = backup_root / "app" / "migration_20261116_143022"
    directory.mkdir(parents=True, mode=0o700)
    run_journal = run_of(directory)
    run_journal.directory.mkdir(parents=True, mode=0o700)
    run_journal.append(Event.BACKUP_STARTED, backup_dir=str(directory), database="app")
    return directory


def test_what_a_dead_run_has_left_is_removed_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    directory = begun(tmp_path)
    with run_of(directory).held():
        assert root.sweep(tmp_path) == []
    assert root.sweep(tmp_path) == [str(directory)]
    assert not directory.exists()


def test_a_backup_that_its_run_completes_between_the_look_and_the_lock_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = begun(tmp_path)
    held = Journal.held

    @contextmanager
    def late(self: Journal) -> Iterator[None]:
        (directory / manifests.MANIFEST).write_text("{}")
        self.append(Event.BACKED_UP, backup_dir=str(directory), manifest_sha256="d")
        with held(self):
            yield

    monkeypatch.setattr(Journal, "held", late)
    assert root.sweep(tmp_path) == []
    assert directory.exists()
