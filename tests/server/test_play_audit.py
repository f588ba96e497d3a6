# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit in a run: its errors stop it before anything is changed, a waiver lets it pass and is told."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.audit_dirt import UNRESTORABLE
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import EXAMPLE, GOOD, Database, everything, write_set

RULES = {
    "nameless.sql": "-- severity: error\n-- max: 5\n-- remedy: Ask {{ them }}.\n"
    "SELECT name FROM customers WHERE note IS NULL;\n",
    "later.sql": "-- name: by_another_name\n-- max: 7\nSELECT id, name FROM customers WHERE id < 9",
    "README.txt": "no rule",
}


def variables(database: Database, backup_root: Path, home: Path, **more: object) -> dict[str, object]:
    write_set(home / "rules", RULES)
    given = database.variables(backup_root, write_set(home / "set", GOOD))
    # relative to the inventory
    return {**given, "pg_migrate_confirm": database.name, "pg_migrate_audit": {"rules_dir": "rules"}, **more}


def test_an_error_of_the_audit_stops_the_run_before_anything_is_changed(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    database.sql(UNRESTORABLE["orphans under a valid composite key"].sql)
    before = database.fingerprint()
    played = ansible.play({"one": variables(database, backup_root, ansible.home)})
    assert played.status != 0
    assert played.verdict("one") == "refused: nothing was changed"
    assert "[error] Orphans under public.refers constraint to_pair: 1. Keys, masked: (42, s…(6))." in played.flat
    assert "[error] Rule nameless: 15 rows found, at most 5 expected." in played.flat
    assert "Ask {{ them }}." in played.flat
    assert "The audit of" in played.flat
    assert "found 2 errors" in played.flat
    assert "secret" not in played.output
    assert everything(backup_root) == []
    assert database.fingerprint() == before


def test_what_is_waived_is_in_the_report_with_its_reason_and_in_the_manifest(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    waived = {"nameless": "they are asked every week"}
    given = variables(database, backup_root, ansible.home, pg_migrate_waive={"audit": waived})
    played = ansible.play({"one": given})
    assert played.status == 0, played.output
    assert played.verdict("one") == "migrated and verified"
    (directory,) = (backup_root / database.name).glob("migration_*")
    report = (directory / "audit_report.txt").read_text()
    assert "  [error] Rule nameless: 15 rows found, at most 5 expected. (nameless)\n" in report
    assert "      Waived: they are asked every week\n" in report
    assert "Rule by_another_name: 8 rows found, at most 7 expected." in report
    found = json.loads((directory / "manifest.json").read_text())["findings"]
    assert (found["nameless"], found["by_another_name"], found["blank_strings public.customers.note"]) == (15, 8, 15)
    assert "no_primary_key public.empty_one" in found


def test_the_rules_of_the_sample_find_whom_its_broken_migration_stumbles_over(
    ansible: Ansible, sample: Database
) -> None:
    rules = [{"file": str(file), "sql": file.read_text()} for file in (EXAMPLE / "audit_rules").glob("*.sql")]
    assert len(rules) == 5
    connection = {
        "login_db": sample.name,
        "login_user": sample.target.params["user"],
        "login_unix_socket": sample.target.params["host"],
        "login_port": sample.target.params["port"],
    }
    sample.sql("UPDATE community_members SET phone = (SELECT phone FROM community_members WHERE id = 5) WHERE id = 6")
    played = ansible.adhoc({}, "pgsafe.migration.pg_audit_info", {**connection, "rules": rules})
    assert played.status != 0
    assert "Rule members_without_phone: 55 rows found, at most 0 expected." in played.flat
    assert "Rule duplicate_phones: 2 rows found, at most 0 expected." in played.flat
    assert "duplicate_emails finds" not in played.flat
    assert f"failed: {sample.name}" not in played.flat
