# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of backups after their runs: listed, verified, pinned, and removed when they are old."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, write_set
from ansible_collections.pgsafe.migration.tests.unit.stored_backups import stored, unfinished


@pytest.mark.long
@pytest.mark.fault(41, 43, 46)
def test_backups_are_listed_pinned_verified_and_the_old_ones_removed_with_the_verdict(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    server = database.admin("SELECT system_identifier FROM pg_control_system()")
    oldest, old = (stored(backup_root, days, database.name, server=server) for days in (60, 50))
    broken, other = unfinished(backup_root, 40, database.name), stored(backup_root, 60.1, "other")
    failed = stored(backup_root, 30, database.name, verdict=Verdict.ROLLED_BACK, server=server)
    retention = {"pg_migrate_retention": {"prune": True, "keep_min": 1}}
    hosts = {"one": {**database.variables(backup_root, write_set(ansible.home / "set", GOOD)), **retention}}

    reason = ["-e", f"pg_migrate_backup_dir={oldest}", "-e", '{"pg_migrate_reason": "the auditors want it"}']
    pinned = ansible.play(hosts, *reason, playbook="pgsafe.migration.pin")
    assert f"[✓] Pinned {oldest.name[10:]} {database.name}: the auditors want it" in pinned.flat, pinned.output

    foreseen = ansible.play(hosts, "--check", playbook="pgsafe.migration.prune")
    assert foreseen.status == 0, foreseen.output
    assert f"[ ] Would remove {old.name[10:]} {database.name}" in foreseen.flat
    assert "50 days old; newer proven backups: 1" in foreseen.flat
    assert f"[✓] Kept {failed.name[10:]} {database.name}" in foreseen.flat
    assert "its migration failed, and none has succeeded since" in foreseen.flat
    assert old.exists()

    played = ansible.play(hosts, "-e", f"pg_migrate_confirm={database.name}")
    assert played.verdict("one") == "migrated and verified", played.output
    assert "[✓] Removed 2 backups" in played.flat
    assert [path.exists() for path in (oldest, old, failed, broken, other)] == [True, False, False, True, True]

    listed = ansible.play(hosts, playbook="pgsafe.migration.list")
    assert f"3 backups under {backup_root}, 2 of them proven" in listed.flat, listed.output
    assert "60 days old, proven (restore), pinned: the auditors want it" in listed.flat
    assert f"[✗] {broken.name[10:]} {database.name}: unfinished" in listed.flat
    assert "0 days old, proven (restore), migrated, latest" in listed.flat

    before = ["-e", "pg_migrate_backup_before=2000-01-01", "-e", f"pg_migrate_new_database={database.name}_old"]
    none = ansible.play(hosts, *before, playbook="pgsafe.migration.restore")
    assert f"no proven backup of {database.name} under {backup_root} of before 2000-01-01" in none.flat, none.output
    live = f"SELECT oid FROM pg_database WHERE datname = '{database.name}'"
    oid = database.admin(live)
    for empty in ("pg_migrate_new_database=", '{"pg_migrate_new_database": null}'):
        refused = ansible.play(hosts, "-e", empty, playbook="pgsafe.migration.restore")
        assert (refused.status, database.admin(live)) == (2, oid), refused.output
        assert "Nothing was changed" in refused.flat, refused.output
    restored = ansible.play(hosts, *before[2:], playbook="pgsafe.migration.restore")
    assert restored.status == 0, restored.output
    assert replace(database, name=f"{database.name}_old").sql("SELECT count(*) FROM customers") == "60"
    database.admin(f"DROP DATABASE {database.name}_old")

    table = ["-e", '{"pg_migrate_tables": ["customers"], "pg_migrate_side_schema": "side"}']
    foreseen = ansible.play(hosts, *table, "--check", playbook="pgsafe.migration.recover_table")
    assert "[ ] public.customers would be recovered into side: 60 rows" in foreseen.flat, foreseen.output

    altered = next((backup_root / database.name).glob("latest/*.csv"))
    altered.write_bytes(altered.read_bytes() + b"1\n")
    damaged = ansible.play(hosts, "-e", "pg_migrate_level=checksum", playbook="pgsafe.migration.verify")
    assert damaged.status == 2, damaged.output
    assert altered.name in damaged.flat
