# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a backup. A tick only for what was done."""

from __future__ import annotations

from ansible_collections.pgsafe.migration.plugins.module_utils.console import backup as console
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    MANIFEST,
)


def test_a_backup_names_its_files_and_what_was_swept_and_warned_of() -> None:
    lines = console.backup("/b", MANIFEST, ["/b/dead"])
    assert "[✓] Removed the unfinished backup of a dead run: /b/dead" in lines
    assert "[warning] a session waited" in lines
    assert "[✓] Backup created: /b/full_backup.dump (1.0M)" in lines
    assert "[✓] SQL backup created: /b/full_backup.sql.gz (512K)" in lines
    assert "[✓] CSV exports created (2 tables, 3.0K)" in lines


def test_a_backup_that_is_only_foreseen_has_no_tick() -> None:
    assert console.backup_foreseen(1024, 7) == ["[ ] A backup of 1.0K in 7 tables would be taken"]
