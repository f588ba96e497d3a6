# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The preflight of whole runs: what a person waives is in the report, and the facts are there for conditions."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import GOOD, Database, databases, everything, write_set

import pgserver

REASON = "it comes with the next release"


def test_a_waived_error_lets_a_run_go_on_and_its_reason_is_on_the_console_and_in_the_report(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    given = {
        **database.variables(backup_root, write_set(ansible.home / "set", GOOD)),
        "pg_migrate_confirm": database.name,
        "pg_migrate_expected_tables": ["customers", "invoices"],
        "pg_migrate_waive": {"checks": {"expected_tables": REASON}},
    }
    played = ansible.play({"one": given})
    assert played.status == 0, played.output
    assert played.verdict("one") == "migrated and verified"
    assert "lacks expected tables: public.invoices" in played.flat
    assert f"(Waived: {REASON})" in played.flat
    (report,) = backup_root.glob("*/migration_*/audit_report.txt")
    text = report.read_text()
    assert "Waived by a person" in text
    assert f"[warning] expected_tables: {database.name} lacks expected tables" in text
    assert REASON in text


def test_a_waiver_of_no_check_is_refused_before_anything_is_done(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    given = database.variables(backup_root, write_set(ansible.home / "set", GOOD))
    played = ansible.play({"one": {**given, "pg_migrate_waive": {"checks": {"disk_space": "there is plenty"}}}})
    assert played.status != 0
    assert "Cannot waive disk_space: unknown check." in played.flat
    assert everything(backup_root) == []


def test_the_facts_are_there_for_conditions_and_check_mode_makes_no_database(
    ansible: Ansible, database: Database, backup_root: Path
) -> None:
    module = "pgsafe.migration.pg_preflight_facts"
    options = {
        "login_db": database.name,
        "login_unix_socket": str(database.server.socket_dir),
        "login_port": database.server.port,
        "login_user": pgserver.SUPERUSER,
        "bin_dir": str(database.server.bin_dir),
        "backup_root": str(backup_root),
    }
    tasks = [
        {module: options, "register": "looked"},
        {
            "ansible.builtin.assert": {
                "that": [
                    "ansible_facts.pg_preflight.tables == 4",
                    "ansible_facts.pg_preflight.wal.slots | length == 0",
                    "ansible_facts.pg_preflight.backup_size.bytes < 1024 * 1024",
                    "looked.problems | map(attribute='check') | list == untried",
                ]
            },
            "vars": {"untried": "{{ ['scratch_access'] if ansible_check_mode else [] }}"},
        },
    ]
    playbook = ansible.playbook([{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    before = databases(database.server)
    for flags in ([], ["--check"]):
        played = ansible.play({"one": {}}, *flags, playbook=playbook)
        assert played.status == 0, played.output
        assert databases(database.server) == before
