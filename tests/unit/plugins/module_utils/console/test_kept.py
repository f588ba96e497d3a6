# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The databases that rollbacks have kept. A tick only for what was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from ansible_collections.pgsafe.migration.plugins.module_utils.console import kept as console
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import kept


def test_a_kept_database_is_shown_with_date_backup_and_reason() -> None:
    since = datetime(2026, 11, 16, 14, 35, tzinfo=timezone.utc)
    found = kept.KeptDatabase("app__failed_1", 7, "1", since, 5 << 20, "/b/migration_1")
    due = kept.Decision(found, due=True, reason="kept for 8 days")
    told = "app__failed_1, 5.0M, since 2026-11-16 14:35 UTC, backup /b/migration_1, kept for 8 days"
    assert console.kept([due], foreseen=True) == [
        "[✓] 1 database kept beside the live one, 5.0M",
        f"[ ] Would drop, once it is confirmed, {told}",
    ]
    assert console.kept([replace(due, dropped=True)], foreseen=False)[1] == f"[✓] Dropped {told}"
    assert console.kept([due], foreseen=False)[1] == f"[✓] Kept {told}"
    assert console.kept([], foreseen=True) == []
