# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a target may give as the evidence of a run: a file of its backup, and no other one."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import evidence

APP = Target({}, "app")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "root"
    found.mkdir(0o700)
    return found


def migrated(root: Path, backup: Path) -> str:
    backup.mkdir(0o700, parents=True)
    run = journal.new_run(root)
    run.append(Event.BACKUP_STARTED, database="app", backup_dir=str(backup))
    run.append(Event.BACKED_UP, backup_dir=str(backup), manifest_sha256="m")
    run.append(Event.VERIFIED, backup_dir=str(backup), manifest_sha256="m", level="content")
    run.append(Event.ARMED, digest="d", backup_dir=str(backup), sequences="backup")
    run.append(Event.ACCEPTED, verdict="migrated", reason="")
    run.append(Event.MIGRATED)
    return run.run_id


def test_evidence_beside_its_backup_is_found(root: Path) -> None:
    backup = root / "app" / "migration"
    run_id = migrated(root, backup)
    (backup / "promotion.json").write_text("evidence")
    assert evidence.look(root, APP, ()).fresh == {run_id: "evidence"}


def test_no_link_is_followed(root: Path) -> None:
    backup = root / "app" / "migration"
    migrated(root, backup)
    (root / "secret").write_text("secret")
    (backup / "promotion.json").symlink_to(root / "secret")
    with pytest.raises(PgsafeError):
        evidence.look(root, APP, ())


def test_nothing_outside_of_the_backup_root_is_read(root: Path) -> None:
    migrated(root, root.parent / "elsewhere")
    (root.parent / "elsewhere" / "promotion.json").write_text("secret")
    with pytest.raises(PgsafeError, match="is outside of"):
        evidence.look(root, APP, ())
